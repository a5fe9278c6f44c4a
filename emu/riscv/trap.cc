#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interrupts.h"

namespace emu::riscv {
namespace {

using namespace csr;

constexpr uint64_t kInterruptBit = uint64_t{1} << 63;

/// §3.1.7: exceptions go to the base, interrupts in vectored mode to their own entry.
uint64_t handler(uint64_t tvec, uint64_t code, bool is_interrupt) noexcept {
  constexpr uint64_t kModeMask = 3;
  constexpr uint64_t kVectored = 1;
  const uint64_t base = tvec & ~kModeMask;
  return is_interrupt && (tvec & kModeMask) == kVectored ? base + 4 * code : base;
}

}  // namespace

void enter_trap(HartState& state, uint64_t code, bool is_interrupt, uint64_t tval) noexcept {
  CsrState& csr = state.csr;
  const uint64_t delegated = is_interrupt ? csr.mideleg : csr.medeleg;
  const uint64_t cause = code | (is_interrupt ? kInterruptBit : 0);
  uint64_t status = csr.mstatus;
  if (state.privilege != Privilege::machine && (delegated >> code & 1) != 0) {
    csr.sepc = state.pc;
    csr.scause = cause;
    csr.stval = tval;
    status = (status & mstatus::kSie) != 0 ? status | mstatus::kSpie : status & ~mstatus::kSpie;
    status = state.privilege == Privilege::supervisor ? status | mstatus::kSpp : status & ~mstatus::kSpp;
    csr.mstatus = status & ~mstatus::kSie;
    state.privilege = Privilege::supervisor;
    state.pc = handler(csr.stvec, code, is_interrupt);
  } else {
    csr.mepc = state.pc;
    csr.mcause = cause;
    csr.mtval = tval;
    status = (status & mstatus::kMie) != 0 ? status | mstatus::kMpie : status & ~mstatus::kMpie;
    status = (status & ~mstatus::kMpp) | static_cast<uint64_t>(state.privilege) << mstatus::kMppShift;
    csr.mstatus = status & ~mstatus::kMie;
    state.privilege = Privilege::machine;
    state.pc = handler(csr.mtvec, code, is_interrupt);
  }
  state.hart->update_contexts();
}

void raise(HartState& state, Cause cause, uint64_t tval) noexcept {
  const uint64_t pc = state.pc;
  const Privilege privilege = state.privilege;
  enter_trap(state, static_cast<uint64_t>(cause), false, tval);
  // Nothing but another hart or an interrupt ends this; the run loop looks at both, and at requests to exit.
  if (state.pc == pc && state.privilege == privilege) [[unlikely]]
    state.hart->note_trap_loop();
  state.trapped = true;
}

bool service_pending(HartState& state) noexcept {
  // What is asked for from here on sets its bit again.
  const uint32_t asked = state.pending.fetch_and(~(pending::kInterrupt | pending::kRemoteFence));
  if ((asked & pending::kRemoteFence) != 0) state.hart->serve_fences();
  if ((asked & (pending::kExit | pending::kStop)) != 0) {
    interrupts_changed(state);
    return false;
  }
  if ((asked & pending::kInterrupt) != 0) take_interrupt(state);
  return true;
}

}  // namespace emu::riscv
