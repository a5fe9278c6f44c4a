#include "hv/kvm/arm/arm_vcpu.h"

#include <cstddef>

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"
#include "hv/kvm/one_reg.h"

namespace hv::kvm::arm {
namespace {

/// A member of struct kvm_regs, by its offset.
constexpr uint64_t core_register(size_t offset) {
  return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (offset / sizeof(uint32_t));
}
constexpr uint64_t x_register(unsigned number) {
  return core_register(offsetof(kvm_regs, regs.regs) + number * sizeof(uint64_t));
}
constexpr uint64_t kPc = core_register(offsetof(kvm_regs, regs.pc));

struct Named {
  const char* name;
  uint64_t id;
};
constexpr Named kOthers[] = {
    {"sp_el0", core_register(offsetof(kvm_regs, regs.sp))},
    {"pstate", core_register(offsetof(kvm_regs, regs.pstate))},
    {"sp_el1", core_register(offsetof(kvm_regs, sp_el1))},
    {"elr_el1", core_register(offsetof(kvm_regs, elr_el1))},
    {"esr_el1", ARM64_SYS_REG(3, 0, 5, 2, 0)},
    {"far_el1", ARM64_SYS_REG(3, 0, 6, 0, 0)},
    {"sctlr_el1", ARM64_SYS_REG(3, 0, 1, 0, 0)},
    {"ttbr0_el1", ARM64_SYS_REG(3, 0, 2, 0, 0)},
    {"ttbr1_el1", ARM64_SYS_REG(3, 0, 2, 0, 1)},
    {"vbar_el1", ARM64_SYS_REG(3, 0, 12, 0, 0)},
};
constexpr unsigned kXRegisters = 31;

}  // namespace

Result<std::unique_ptr<ArmVcpu>> ArmVcpu::create(Vm& vm, unsigned id, Bus& bus) {
  Opened opened = TRY(open(vm, id));
  std::unique_ptr<ArmVcpu> vcpu(new ArmVcpu(vm, id, std::move(opened), bus));
  TRY(vcpu->initialize());
  return vcpu;
}

Result<void> ArmVcpu::initialize() {
  kvm_vcpu_init target{};
  if (ioctl(vm().fd(), KVM_ARM_PREFERRED_TARGET, &target) != 0)
    return os_error("KVM does not say which processor it has for guests");
  const auto enable = [&](unsigned feature) { target.features[feature / 32] |= 1u << (feature % 32); };
  enable(KVM_ARM_VCPU_PSCI_0_2);
  if (id() != 0) enable(KVM_ARM_VCPU_POWER_OFF);
  // The two kinds of pointer authentication come together or not at all.
  if (vm().system().extension(KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
      vm().system().extension(KVM_CAP_ARM_PTRAUTH_GENERIC) > 0) {
    enable(KVM_ARM_VCPU_PTRAUTH_ADDRESS);
    enable(KVM_ARM_VCPU_PTRAUTH_GENERIC);
  }
  if (ioctl(fd(), KVM_ARM_VCPU_INIT, &target) != 0) return os_error("KVM does not set up processor {}", id());
  return {};
}

Result<void> ArmVcpu::start(uint64_t entry, uint64_t argument) {
  if (!set_register(fd(), kPc, entry) || !set_register(fd(), x_register(0), argument))
    return os_error("KVM does not take the registers that a processor starts with");
  return {};
}

Registers ArmVcpu::registers() const {
  Registers out;
  out.pc = get_register(fd(), kPc).value_or(0);
  for (unsigned number = 0; number < kXRegisters; ++number)
    out.values.emplace_back(fmt::format("x{}", number), get_register(fd(), x_register(number)).value_or(0));
  for (const Named& other : kOthers) out.values.emplace_back(other.name, get_register(fd(), other.id).value_or(0));
  return out;
}

void ArmVcpu::save(StateWriter& writer) const {
  writer.section("kvm-arm-vcpu", 1, [&] {
    save_registers(writer, fd());
    save_run_state(writer, fd());
  });
}

Result<void> ArmVcpu::load(StateReader& reader) {
  reader.section("kvm-arm-vcpu", 1, [&](uint32_t) {
    load_registers(reader, fd());
    load_run_state(reader, fd());
  });
  return reader.status();
}

Result<std::optional<Exit>> ArmVcpu::handle_exit() {
  // An access to what is no RAM by an instruction that tells the kernel too little of itself: nothing answers there.
  if (shared().exit_reason == KVM_EXIT_ARM_NISV) {
    kvm_vcpu_events events{};
    if (ioctl(fd(), KVM_GET_VCPU_EVENTS, &events) == 0) {
      events.exception.ext_dabt_pending = 1;
      if (ioctl(fd(), KVM_SET_VCPU_EVENTS, &events) == 0) return std::nullopt;
    }
  }
  return crashed(fmt::format("the guest did what this version of vireo has no answer to (KVM exit {})",
                             exit_name(shared().exit_reason)));
}

}  // namespace hv::kvm::arm
