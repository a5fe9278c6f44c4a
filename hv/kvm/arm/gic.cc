#include "hv/kvm/arm/gic.h"

#include <linux/kvm.h>

#include "hv/kvm/arm/gic_registers.h"
#include "hv/kvm/ioctl.h"

namespace hv::kvm::arm {
namespace {

constexpr uint32_t kFirstShared = 32;  // the interrupts before it are each processor's own

}  // namespace

Result<void> Gic::set_attribute(uint32_t group, uint64_t attribute, const void* value) const {
  kvm_device_attr argument{};
  argument.group = group;
  argument.attr = attribute;
  argument.addr = reinterpret_cast<uintptr_t>(value);
  if (ioctl(device_.get(), KVM_SET_DEVICE_ATTR, &argument) != 0)
    return os_error("KVM does not set its interrupt controller up ({}, {})", group, attribute);
  return {};
}

Result<std::unique_ptr<Gic>> Gic::create(Vm& vm, unsigned cpus, const Layout& layout) {
  std::unique_ptr<Gic> gic(new Gic(vm, cpus, layout.lines));
  kvm_create_device made{};
  made.type = KVM_DEV_TYPE_ARM_VGIC_V3;
  if (ioctl(vm.fd(), KVM_CREATE_DEVICE, &made) != 0) return os_error("KVM makes no GICv3 on this processor");
  gic->device_.reset(static_cast<int>(made.fd));
  const uint64_t distributor = layout.distributor.value, redistributors = layout.redistributors.value;
  const uint32_t interrupts = kFirstShared + layout.lines;
  TRY(gic->set_attribute(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts));
  TRY(gic->set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor));
  TRY(gic->set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors));
  TRY(gic->set_attribute(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, nullptr));
  TRY(gic->edges_.connect(layout.edges));
  return gic;
}

void Gic::set_line(uint32_t line, bool level) noexcept {
  if (edges_.has(line)) {
    if (level) edges_.raise(line);
    return;
  }
  if (line >= lines_) return;
  kvm_irq_level argument{};
  argument.irq = (uint32_t{KVM_ARM_IRQ_TYPE_SPI} << KVM_ARM_IRQ_TYPE_SHIFT) | (kFirstShared + line);
  argument.level = level ? 1 : 0;
  ioctl(vm_.fd(), KVM_IRQ_LINE, &argument);
}

void Gic::save(StateWriter& writer) const {
  edges_.settle();
  writer.section("kvm-gic", 1, [&] { save_gic(writer, device_.get(), cpus_, kFirstShared + lines_); });
}

Result<void> Gic::load(StateReader& reader) {
  reader.section("kvm-gic", 1, [&](uint32_t) { load_gic(reader, device_.get(), cpus_, kFirstShared + lines_); });
  return reader.status();
}

}  // namespace hv::kvm::arm
