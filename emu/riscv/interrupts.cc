#include "emu/riscv/interrupts.h"

#include <array>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"

namespace emu::riscv {
namespace {

using namespace csr;

/// §3.1.9: the order in which simultaneous interrupts for one mode are taken.
constexpr std::array<unsigned, 6> kPriorities = {
    interrupt::kMachineExternal,    interrupt::kMachineSoftware,    interrupt::kMachineTimer,
    interrupt::kSupervisorExternal, interrupt::kSupervisorSoftware, interrupt::kSupervisorTimer,
};

/// The pending and enabled interrupts that the present mode lets through, those for M-mode alone if there are any.
uint64_t deliverable(const HartState& state) noexcept {
  const uint64_t pending = interrupt::effective(state.mip.load()) & state.csr.mie;
  const uint64_t for_machine = pending & ~state.csr.mideleg;
  const bool machine_open = state.privilege != Privilege::machine || (state.csr.mstatus & mstatus::kMie) != 0;
  if (machine_open && for_machine != 0) return for_machine;
  const bool supervisor_open = state.privilege == Privilege::user ||
                               (state.privilege == Privilege::supervisor && (state.csr.mstatus & mstatus::kSie) != 0);
  return supervisor_open ? pending & state.csr.mideleg : 0;
}

}  // namespace

void interrupts_changed(HartState& state) noexcept {
  if ((interrupt::effective(state.mip.load()) & state.csr.mie) != 0) state.pending.fetch_or(pending::kInterrupt);
}

void take_interrupt(HartState& state) noexcept {
  const uint64_t interrupts = deliverable(state);
  if (interrupts == 0) return;
  for (const unsigned number : kPriorities) {
    if ((interrupts >> number & 1) != 0) return enter_trap(state, number, true, 0);
  }
}

}  // namespace emu::riscv
