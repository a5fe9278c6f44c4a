#pragma once

#include <memory>
#include <random>

#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/kvm/arm/arm_vcpu.h"
#include "hv/kvm/arm/gic.h"
#include "hv/kvm/vm.h"
#include "tests/unit/hv/kvm/layout.h"

namespace hv::kvm::test {

/// One processor and a GICv3.
class Machine {
 public:
  struct Environment {
    std::shared_ptr<const System> system;
    GuestMemory& memory;
    Bus& bus;
    Bus& ports;
  };
  static constexpr uint32_t kLevel = 5;  ///< SPIs: interrupt 37
  static constexpr uint32_t kEdge = 16;  ///< interrupt 48
  static constexpr const char* kSomeRegister = "vbar_el1";

  explicit Machine(const Environment& environment) {
    vm_ = Vm::create(environment.system, environment.memory).value();
    vcpu_ = arm::ArmVcpu::create(*vm_, 0, environment.bus).value();
    gic_ = arm::Gic::create(*vm_, 1, {{0x0800'0000}, {0x080a'0000}, 64, {kEdge}}).value();
  }

  Vm& vm() noexcept { return *vm_; }
  arm::ArmVcpu& vcpu() noexcept { return *vcpu_; }
  arm::Gic& gic() noexcept { return *gic_; }

  /// At EL1 without translation, at kCode.
  Result<void> start() { return vcpu_->start(kCode.value, 0); }
  Result<void> start_somehow(std::mt19937_64&) { return start(); }

  void save(StateWriter& writer) const {
    vcpu_->save(writer);
    gic_->save(writer);
  }
  Result<void> load(StateReader& reader) {
    TRY(vcpu_->load(reader));
    return gic_->load(reader);
  }

 private:
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<arm::ArmVcpu> vcpu_;
  std::unique_ptr<arm::Gic> gic_;
};

}  // namespace hv::kvm::test
