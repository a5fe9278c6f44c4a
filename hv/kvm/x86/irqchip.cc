#include "hv/kvm/x86/irqchip.h"

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"
#include "hv/kvm/x86/state_bytes.h"

namespace hv::kvm::x86 {
namespace {

/// Where Intel's processors keep what real mode needs; guests see none of it. Below the end of the 32-bit hole.
constexpr uint64_t kIdentityMap = 0xfeff'c000;
constexpr unsigned long kTaskState = 0xfeff'd000;
constexpr uint32_t kChips = 3;

}  // namespace

Result<std::unique_ptr<Irqchip>> Irqchip::create(Vm& vm, const std::vector<uint32_t>& lines) {
  uint64_t identity_map = kIdentityMap;
  if (ioctl(vm.fd(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map) != 0)
    return os_error("KVM does not take the identity map's address");
  if (ioctl(vm.fd(), KVM_SET_TSS_ADDR, kTaskState) != 0) return os_error("KVM does not take the task state's address");
  if (ioctl(vm.fd(), KVM_CREATE_IRQCHIP, 0) != 0) return os_error("KVM makes no interrupt controllers");
  std::unique_ptr<Irqchip> chip(new Irqchip(vm));
  TRY(chip->edges_.connect(lines));
  return chip;
}

void Irqchip::set_line(uint32_t line, bool level) noexcept {
  if (level) edges_.raise(line);
}

void Irqchip::save(StateWriter& writer) const {
  edges_.settle();
  writer.section("kvm-irqchip", 1, [&] {
    for (uint32_t id = 0; id < kChips; ++id) {
      kvm_irqchip chip{};
      chip.chip_id = id;
      ioctl(vm_.fd(), KVM_GET_IRQCHIP, &chip);
      writer.bytes(bytes_of(chip.chip));
    }
    kvm_clock_data clock{};
    ioctl(vm_.fd(), KVM_GET_CLOCK, &clock);
    writer.value(clock.clock);
  });
}

Result<void> Irqchip::load(StateReader& reader) {
  reader.section("kvm-irqchip", 1, [&](uint32_t) {
    for (uint32_t id = 0; id < kChips; ++id) {
      kvm_irqchip chip{};
      chip.chip_id = id;
      read_into(reader, chip.chip);
      if (reader.ok() && ioctl(vm_.fd(), KVM_SET_IRQCHIP, &chip) != 0)
        reader.fail("KVM does not take the state of an interrupt controller");
    }
    kvm_clock_data clock{};
    clock.clock = reader.value<uint64_t>();
    if (reader.ok() && ioctl(vm_.fd(), KVM_SET_CLOCK, &clock) != 0) reader.fail("KVM does not take the guest's clock");
  });
  return reader.status();
}

}  // namespace hv::kvm::x86
