#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hv/kvm/kvm_vcpu.h"

namespace hv::kvm::arm {

/// An arm64 processor that begins at EL1: PSCI (by HVC) and the timer are the kernel's. Processor 0 runs at once; the
/// others wait for the guest to start them.
class ArmVcpu final : public KvmVcpu {
 public:
  /// `vm` and `bus` outlive this.
  static Result<std::unique_ptr<ArmVcpu>> create(Vm& vm, unsigned id, Bus& bus);

  /// Where a processor that never ran begins: `argument` is in x0.
  Result<void> start(uint64_t entry, uint64_t argument);

  Registers registers() const override;
  void save(StateWriter& writer) const override;
  Result<void> load(StateReader& reader) override;

 private:
  ArmVcpu(Vm& vm, unsigned id, Opened opened, Bus& bus) : KvmVcpu(vm, id, std::move(opened), bus) {}

  Result<void> initialize();
  Result<std::optional<Exit>> handle_exit() override;
};

}  // namespace hv::kvm::arm
