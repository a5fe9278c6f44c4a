#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hv/kvm/kvm_vcpu.h"
#include "hv/kvm/x86/cpuid.h"
#include "hv/kvm/x86/start_state.h"

namespace hv::kvm::x86 {

/// An x86-64 processor. Processor 0 runs at once; the others wait for the guest to start them (INIT, SIPI).
class X86Vcpu final : public KvmVcpu {
 public:
  struct Buses {
    Bus& memory;
    Bus& ports;
  };

  /// The VM has its interrupt controllers. Its memory and the buses outlive this.
  static Result<std::unique_ptr<X86Vcpu>> create(Vm& vm, unsigned id, Buses buses, const std::vector<CpuidLeaf>& cpuid);

  /// Where a processor that is in its state after power-on begins.
  Result<void> start(const StartState& state);

  Registers registers() const override;
  void save(StateWriter& writer) const override;
  Result<void> load(StateReader& reader) override;

 private:
  X86Vcpu(Vm& vm, unsigned id, Opened opened, Buses buses)
      : KvmVcpu(vm, id, std::move(opened), buses.memory), ports_(buses.ports) {}

  Result<std::optional<Exit>> handle_exit() override;
  std::string describe_registers() const override;
  void access_ports() noexcept;
  std::vector<uint32_t> saved_msrs() const;

  Bus& ports_;
};

}  // namespace hv::kvm::x86
