#pragma once

#include <cstddef>
#include <cstdint>

#include "emu/isa/insn.h"
#include "emu/riscv/state.h"

/// What instructions call when an operation is too long to be written inline: slow memory paths, CSRs, traps. The
/// interpreter and generated code call the same functions. All are `noexcept`, run on the hart's thread, and find
/// `state.pc` exact: the address of the instruction that calls.
///
/// A function that raises an exception has entered the trap handler when it returns: CSRs, privilege and `state.pc` are
/// those of the handler's first instruction and `state.trapped` is true; the caller has no further effect.
namespace emu::riscv {

// --- memory: access.cc ---------------------------------------------------------------------------------------------

/// A load that missed the inline TLB: walks the page table, fills the TLB, splits page-crossing accesses, reads
/// devices. `size` is 1, 2, 4 or 8 bytes; the result is zero-extended.
uint64_t load_slow(HartState& state, uint64_t address, unsigned size) noexcept;
void store_slow(HartState& state, uint64_t address, unsigned size, uint64_t value) noexcept;

/// The host address for an atomic access of `size` (1 to 16) bytes, naturally aligned RAM, or nullptr after raising.
/// `is_store` is false for LR alone, whose exceptions are those of loads.
std::byte* atomic_address(HartState& state, uint64_t address, unsigned size, bool is_store) noexcept;

/// The host address of the instruction at `address` (valid to the end of its page), or nullptr after raising. Fills the
/// fetch TLB.
const std::byte* fetch_slow(HartState& state, uint64_t address) noexcept;

/// The code of the page of `host` is about to be decoded, or compared with what was decoded before.
void note_code(HartState& state, const std::byte* host) noexcept;

/// cbo.zero, cbo.inval/clean/flush and prefetches check what the specification says and act on the block of 64 bytes.
/// cbo.zero of the block that `address` lies in; `encoded`: the instruction, for an exception.
void zero_block(HartState& state, uint64_t address, uint32_t encoded) noexcept;
void cbo_inval(HartState& state, const Insn& insn) noexcept;
void cbo_clean(HartState& state, const Insn& insn) noexcept;
void cbo_flush(HartState& state, const Insn& insn) noexcept;

/// amocas.q on the register pairs rd and rs2: atomic.cc.
void amocas_q(HartState& state, const Insn& insn) noexcept;

// --- traps: trap.cc ------------------------------------------------------------------------------------------------

/// Enters the trap handler for a synchronous exception of the instruction at `state.pc`.
void raise(HartState& state, Cause cause, uint64_t tval) noexcept;
inline void raise_illegal(HartState& state, const Insn& insn) noexcept {
  raise(state, Cause::illegal_instruction, insn.raw);
}

/// Takes an interrupt if one is deliverable, obeys remote fences. Called between blocks when `state.pending` is not 0.
/// False: leave the run loop (an exit was requested, the hart stopped).
bool service_pending(HartState& state) noexcept;

// --- system instructions: system.cc. Each either raises or sets `state.pc` to the next instruction to run ------------

void ecall(HartState& state, const Insn& insn) noexcept;
void ebreak(HartState& state, const Insn& insn) noexcept;
void mret(HartState& state, const Insn& insn) noexcept;
void sret(HartState& state, const Insn& insn) noexcept;
void wfi(HartState& state, const Insn& insn) noexcept;
void wrs_nto(HartState& state, const Insn& insn) noexcept;  ///< Zawrs
void wrs_sto(HartState& state, const Insn& insn) noexcept;
void sfence_vma(HartState& state, const Insn& insn) noexcept;
void sinval_vma(HartState& state, const Insn& insn) noexcept;
void sfence_w_inval(HartState& state, const Insn& insn) noexcept;
void sfence_inval_ir(HartState& state, const Insn& insn) noexcept;
void fence_i(HartState& state, const Insn& insn) noexcept;

// --- CSR instructions: csr/. insn.imm is the CSR number, insn.rs1 the register or the 5-bit immediate ---------------

void csrrw(HartState& state, const Insn& insn) noexcept;
void csrrs(HartState& state, const Insn& insn) noexcept;
void csrrc(HartState& state, const Insn& insn) noexcept;
void csrrwi(HartState& state, const Insn& insn) noexcept;
void csrrsi(HartState& state, const Insn& insn) noexcept;
void csrrci(HartState& state, const Insn& insn) noexcept;

}  // namespace emu::riscv
