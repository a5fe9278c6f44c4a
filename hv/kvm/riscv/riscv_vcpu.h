#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "hv/core/guest_memory.h"
#include "hv/kvm/kvm_vcpu.h"
#include "hv/kvm/riscv/processor.h"

namespace hv::kvm::riscv {

/// The external interrupt input, for machines whose interrupt controllers are not the kernel's; numbered as in sip.
inline constexpr IrqPin kSupervisorExternal{9};

/// A RISC-V processor that begins in S-mode: the SBI, the timer and interrupts between processors are the kernel's.
/// Processor 0 runs at once; the others wait for the guest to start them (SBI, HSM extension).
class RiscvVcpu final : public KvmVcpu {
 public:
  /// What the SBI's debug console prints. Called on vCPU threads, several at once; returns how much it took.
  using Print = std::function<size_t(std::span<const std::byte>)>;

  /// `memory` is the VM's. It and the bus outlive this. `advanced_interrupts`: the VM has such controllers.
  static Result<std::unique_ptr<RiscvVcpu>> create(Vm& vm, unsigned id, Bus& bus, GuestMemory& memory, Print print,
                                                   bool advanced_interrupts);

  /// Where a processor that never ran begins: `argument` is in a1, its number in a0.
  Result<void> start(uint64_t entry, uint64_t argument);
  Processor processor() const { return describe_processor(fd()); }

  /// kSupervisorExternal alone.
  void set_interrupt(IrqPin pin, bool level) noexcept override;

  Registers registers() const override;
  void save(StateWriter& writer) const override;
  Result<void> load(StateReader& reader) override;

 private:
  RiscvVcpu(Vm& vm, unsigned id, Opened opened, Bus& bus, GuestMemory& memory, Print print)
      : KvmVcpu(vm, id, std::move(opened), bus), memory_(memory), print_(std::move(print)) {}

  Result<std::optional<Exit>> handle_exit() override;
  void answer_call() noexcept;
  void print_call(uint64_t function, const unsigned long* arguments, unsigned long* results) noexcept;

  GuestMemory& memory_;
  const Print print_;
};

}  // namespace hv::kvm::riscv
