#include "hv/kvm/arm/gic_registers.h"

#include <functional>

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"

namespace hv::kvm::arm {
namespace {

/// A row of equal registers; Arm IHI 0069, chapter 12. In the order in which they are loaded: Linux,
/// Documentation/virt/kvm/devices/arm-vgic-v3.rst, wants pending states after configurations.
struct Registers {
  uint32_t offset;
  uint32_t clear_offset;     ///< where ones are cleared, of registers that only set them; else 0
  uint32_t bits;             ///< of each interrupt; 0: one register
  uint32_t first_interrupt;  ///< whose register is the first
};

constexpr Registers kDistributor[] = {
    {0x0000, 0, 0, 0},        // GICD_CTLR
    {0x0080, 0, 1, 32},       // GICD_IGROUPR
    {0x0c00, 0, 2, 32},       // GICD_ICFGR
    {0x0400, 0, 8, 32},       // GICD_IPRIORITYR
    {0x6000, 0, 64, 32},      // GICD_IROUTER
    {0x0100, 0x0180, 1, 32},  // GICD_ISENABLER
    {0x0200, 0x0280, 1, 32},  // GICD_ISPENDR
    {0x0300, 0x0380, 1, 32},  // GICD_ISACTIVER
};

constexpr uint32_t kOwn = 32;  // interrupts that each processor has for itself
constexpr Registers kRedistributor[] = {
    {0x00000, 0, 0, 0},        // GICR_CTLR
    {0x00014, 0, 0, 0},        // GICR_WAKER
    {0x10080, 0, 1, 0},        // GICR_IGROUPR0
    {0x10c00, 0, 2, 0},        // GICR_ICFGR
    {0x10400, 0, 8, 0},        // GICR_IPRIORITYR
    {0x10100, 0x10180, 1, 0},  // GICR_ISENABLER0
    {0x10200, 0x10280, 1, 0},  // GICR_ISPENDR0
    {0x10300, 0x10380, 1, 0},  // GICR_ISACTIVER0
};

constexpr uint64_t system_register(uint64_t op1, uint64_t crn, uint64_t crm, uint64_t op2) {
  constexpr uint64_t kOp0 = 3;
  return (kOp0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

constexpr uint64_t kProcessorInterface[] = {
    system_register(0, 12, 12, 5),  // ICC_SRE_EL1
    system_register(0, 12, 12, 4),  // ICC_CTLR_EL1
    system_register(0, 4, 6, 0),    // ICC_PMR_EL1
    system_register(0, 12, 8, 3),   // ICC_BPR0_EL1
    system_register(0, 12, 12, 3),  // ICC_BPR1_EL1
    system_register(0, 12, 12, 6),  // ICC_IGRPEN0_EL1
    system_register(0, 12, 12, 7),  // ICC_IGRPEN1_EL1
    system_register(0, 12, 8, 4),   // ICC_AP0R0_EL1
    system_register(0, 12, 9, 0),   // ICC_AP1R0_EL1
};

bool transfer(int fd, unsigned long request, uint32_t group, uint64_t attribute, void* value) noexcept {
  kvm_device_attr argument{};
  argument.group = group;
  argument.attr = attribute;
  argument.addr = reinterpret_cast<uintptr_t>(value);
  return ioctl(fd, request, &argument) == 0;
}

using Visit = std::function<void(uint32_t group, uint64_t attribute, uint64_t clear_attribute)>;

template <size_t N>
void visit_registers(const Registers (&rows)[N], uint32_t group, uint64_t selector, uint32_t interrupts,
                     const Visit& visit) {
  for (const Registers& row : rows) {
    // 32-bit registers of 32 / bits interrupts each; those of 64 bits are two accesses.
    const uint64_t first = uint64_t{row.first_interrupt} * row.bits / 8;
    const uint64_t end = row.bits == 0 ? 4 : (uint64_t{interrupts} * row.bits / 8 + 3) & ~uint64_t{3};
    for (uint64_t at = first; at < end; at += 4)
      visit(group, selector | (row.offset + at), row.clear_offset == 0 ? 0 : selector | (row.clear_offset + at));
  }
}

/// All of the state but the processor interfaces, 32 bits at a time.
void visit_all(unsigned cpus, uint32_t interrupts, const Visit& visit) {
  visit_registers(kDistributor, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, interrupts, visit);
  for (uint64_t cpu = 0; cpu < cpus; ++cpu)
    visit_registers(kRedistributor, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, cpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT, kOwn,
                    visit);
  // Which lines are high, 32 at a time.
  for (uint64_t cpu = 0; cpu < cpus; ++cpu) {
    for (uint64_t first = 0; first < (cpu == 0 ? interrupts : kOwn); first += 32)
      visit(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
            (cpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT) |
                (uint64_t{VGIC_LEVEL_INFO_LINE_LEVEL} << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT) | first,
            0);
  }
}

}  // namespace

void save_gic(StateWriter& writer, int device_fd, unsigned cpus, uint32_t interrupts) {
  visit_all(cpus, interrupts, [&](uint32_t group, uint64_t attribute, uint64_t) {
    uint32_t value = 0;
    transfer(device_fd, KVM_GET_DEVICE_ATTR, group, attribute, &value);
    writer.value(value);
  });
  for (uint64_t cpu = 0; cpu < cpus; ++cpu) {
    for (const uint64_t number : kProcessorInterface) {
      uint64_t value = 0;
      transfer(device_fd, KVM_GET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
               (cpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT) | number, &value);
      writer.value(value);
    }
  }
}

void load_gic(StateReader& reader, int device_fd, unsigned cpus, uint32_t interrupts) {
  visit_all(cpus, interrupts, [&](uint32_t group, uint64_t attribute, uint64_t clear_attribute) {
    auto value = reader.value<uint32_t>();
    if (!reader.ok()) return;
    auto all = ~uint32_t{0};
    if (clear_attribute != 0) transfer(device_fd, KVM_SET_DEVICE_ATTR, group, clear_attribute, &all);
    if (!transfer(device_fd, KVM_SET_DEVICE_ATTR, group, attribute, &value))
      reader.fail(fmt::format("KVM does not take the interrupt controller's register {:#x}", attribute));
  });
  for (uint64_t cpu = 0; cpu < cpus; ++cpu) {
    for (const uint64_t number : kProcessorInterface) {
      auto value = reader.value<uint64_t>();
      if (reader.ok() && !transfer(device_fd, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
                                   (cpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT) | number, &value))
        reader.fail(fmt::format("KVM does not take the register {:#x} of a processor's interrupts", number));
    }
  }
}

}  // namespace hv::kvm::arm
