#include <chrono>
#include <thread>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interrupts.h"
#include "emu/riscv/sbi/sbi.h"

namespace emu::riscv {
namespace {

using namespace csr;

/// Goes on after `insn`.
void advance(HartState& state, const Insn& insn) noexcept { state.pc += insn.length; }

/// sfence.vma and its parts: S-mode only where mstatus.TVM does not trap it. False after raising.
bool may_fence_translations(HartState& state, const Insn& insn) noexcept {
  const bool trapped = state.privilege == Privilege::supervisor && (state.csr.mstatus & mstatus::kTvm) != 0;
  if (state.privilege != Privilege::user && !trapped) return true;
  raise_illegal(state, insn);
  return false;
}

/// What xret leaves of mstatus: MPRV ends when the new mode is less privileged than M (§3.1.6.3).
void return_to(HartState& state, Privilege privilege, uint64_t status, uint64_t pc) noexcept {
  state.csr.mstatus = privilege == Privilege::machine ? status : status & ~mstatus::kMprv;
  state.privilege = privilege;
  state.pc = pc;
  state.reservation_host = 0;  // §3.3.2 allows it
  state.hart->update_contexts();
  interrupts_changed(state);
}

/// A wait that a timer of the implementation's own ends (Zawrs).
void pause_briefly() noexcept { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

}  // namespace

void ecall(HartState& state, const Insn& insn) noexcept {
  Hart& hart = *state.hart;
  switch (state.privilege) {
    case Privilege::user:
      return raise(state, Cause::ecall_user, 0);
    case Privilege::supervisor:
      if (hart.group().firmware() == Firmware::guest) return raise(state, Cause::ecall_supervisor, 0);
      advance(state, insn);
      return sbi::call(hart);
    case Privilege::machine:
      return raise(state, Cause::ecall_machine, 0);
  }
}

void ebreak(HartState& state, const Insn&) noexcept { raise(state, Cause::breakpoint, state.pc); }

void mret(HartState& state, const Insn& insn) noexcept {
  if (state.privilege != Privilege::machine) return raise_illegal(state, insn);
  uint64_t status = state.csr.mstatus;
  const auto previous = static_cast<Privilege>((status & mstatus::kMpp) >> mstatus::kMppShift);
  status = (status & mstatus::kMpie) != 0 ? status | mstatus::kMie : status & ~mstatus::kMie;
  status = (status | mstatus::kMpie) & ~mstatus::kMpp;
  return_to(state, previous, status, state.csr.mepc);
}

void sret(HartState& state, const Insn& insn) noexcept {
  const bool trapped = state.privilege == Privilege::supervisor && (state.csr.mstatus & mstatus::kTsr) != 0;
  if (state.privilege == Privilege::user || trapped) return raise_illegal(state, insn);
  uint64_t status = state.csr.mstatus;
  const auto previous = (status & mstatus::kSpp) != 0 ? Privilege::supervisor : Privilege::user;
  status = (status & mstatus::kSpie) != 0 ? status | mstatus::kSie : status & ~mstatus::kSie;
  status = (status | mstatus::kSpie) & ~mstatus::kSpp;
  return_to(state, previous, status, state.csr.sepc);
}

void wfi(HartState& state, const Insn& insn) noexcept {
  const bool trapped = state.privilege != Privilege::machine && (state.csr.mstatus & mstatus::kTw) != 0;
  if (state.privilege == Privilege::user || trapped) return raise_illegal(state, insn);
  state.hart->wait_for_interrupt();
  advance(state, insn);
}

void wrs_nto(HartState& state, const Insn& insn) noexcept {
  if (state.privilege != Privilege::machine && (state.csr.mstatus & mstatus::kTw) != 0)
    return raise_illegal(state, insn);
  pause_briefly();
  advance(state, insn);
}
void wrs_sto(HartState& state, const Insn& insn) noexcept {
  pause_briefly();
  advance(state, insn);
}

void sfence_vma(HartState& state, const Insn& insn) noexcept {
  if (!may_fence_translations(state, insn)) return;
  // §12.2.1: x0 for the address or the ASID stands for all of them; bits above those that satp has are ignored.
  TranslationFence fence;
  if (insn.rs1 != 0) fence.range = {state.x[insn.rs1], state.x[insn.rs1]};
  if (insn.rs2 != 0) fence.asid = satp::asid(state.x[insn.rs2] << satp::kAsidShift);
  state.hart->fence(fence);
  advance(state, insn);
}
void sinval_vma(HartState& state, const Insn& insn) noexcept { sfence_vma(state, insn); }

void sfence_w_inval(HartState& state, const Insn& insn) noexcept {
  if (state.privilege == Privilege::user) return raise_illegal(state, insn);
  advance(state, insn);
}
void sfence_inval_ir(HartState& state, const Insn& insn) noexcept { sfence_w_inval(state, insn); }

void fence_i(HartState& state, const Insn& insn) noexcept {
  state.hart->fence_instructions();
  advance(state, insn);
}

}  // namespace emu::riscv
