#pragma once

#include "emu/riscv/helpers.h"

/// CSR instructions that translated code carries out without leaving its block.
namespace emu::riscv::jit {

using Helper = void (*)(HartState&, const Insn&) noexcept;

/// A CSR instruction: what it does with the register's value and its operand.
struct CsrForm {
  enum class Operation : uint8_t { write, set, clear };

  Helper helper;
  Helper in_block;  ///< the same as `helper`, but for one that does not leave its block
  Operation operation;
  bool is_immediate;  ///< the operand is the field rs1, not the register

  bool writes(const Insn& insn) const noexcept { return operation == Operation::write || insn.rs1 != 0; }
};
/// nullptr if `helper` is none of a CSR instruction's.
const CsrForm* csr_form(Helper helper) noexcept;

inline unsigned csr_number(const Insn& insn) noexcept { return static_cast<unsigned>(insn.imm) & 0xfff; }
inline constexpr unsigned kSstatus = 0x100;

/// If what `insn` does with its register has no effect but on that register and rd: what carries it out within a block.
/// Else nullptr.
Helper csr_access_in_block(const CsrForm& form, const Insn& insn) noexcept;

/// A register of S-mode that does nothing but hold what is written: its place in HartState and its bits.
struct HeldCsr {
  uint16_t number;
  uint16_t offset;
  uint64_t writable;
};
/// nullptr if it is none.
const HeldCsr* held_csr(unsigned number) noexcept;

/// Bits of sstatus whose change has no effect beyond itself, but that interrupts may be open then.
extern const uint64_t kPlainStatus;

/// Whether IR has `insn`, outside of U-mode.
bool csr_has_ir(const Insn& insn) noexcept;
/// What that IR does, where it does not leave the block.
void access_csr_plainly(HartState& state, const CsrForm& form, const Insn& insn) noexcept;

}  // namespace emu::riscv::jit
