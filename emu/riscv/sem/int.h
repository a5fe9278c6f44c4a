#pragma once

#include <cstdint>

#include "emu/isa/insn.h"

/// What the integer instructions mean: RISC-V Unprivileged ISA 20240411, chapters 2 (RV32I), 4 (RV64I), 13 (M).
///
/// Every function is instantiated for each engine. A builder `B` has values (integers in the interpreter, IR handles in
/// the JIT) and operations on them; all values are 64 bits wide, shifts use the low six bits of their amount, and
/// comparisons give 0 or 1. `i` has the operands that the tables in emu/riscv/isa describe.
namespace emu::riscv::sem {

template <class B>
void lui(B& b, const Insn& i) {
  b.set_x(i.rd, b.imm(i.imm));
}
template <class B>
void auipc(B& b, const Insn& i) {
  b.set_x(i.rd, b.add(b.pc(), b.imm(i.imm)));
}

template <class B>
void addi(B& b, const Insn& i) {
  b.set_x(i.rd, b.add(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void slti(B& b, const Insn& i) {
  b.set_x(i.rd, b.less(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void sltiu(B& b, const Insn& i) {
  b.set_x(i.rd, b.less_unsigned(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void xori(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_xor(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void ori(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_or(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void andi(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void slli(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_left(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void srli(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_right(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void srai(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_right_signed(b.x(i.rs1), b.imm(i.imm)));
}

template <class B>
void add(B& b, const Insn& i) {
  b.set_x(i.rd, b.add(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sub(B& b, const Insn& i) {
  b.set_x(i.rd, b.sub(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sll(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_left(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void slt(B& b, const Insn& i) {
  b.set_x(i.rd, b.less(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sltu(B& b, const Insn& i) {
  b.set_x(i.rd, b.less_unsigned(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void xor_(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_xor(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void srl(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_right(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sra(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_right_signed(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void or_(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_or(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void and_(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.x(i.rs1), b.x(i.rs2)));
}

// The W forms work on the low 32 bits and sign-extend their result.
template <class B>
void addiw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.add(b.x(i.rs1), b.imm(i.imm))));
}
template <class B>
void slliw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_left32(b.x(i.rs1), b.imm(i.imm))));
}
template <class B>
void srliw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_right32(b.x(i.rs1), b.imm(i.imm))));
}
template <class B>
void sraiw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_right_signed32(b.x(i.rs1), b.imm(i.imm))));
}
template <class B>
void addw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.add(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void subw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.sub(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void sllw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_left32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void srlw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_right32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void sraw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.shift_right_signed32(b.x(i.rs1), b.x(i.rs2))));
}

template <class B>
auto effective_address(B& b, const Insn& i) {
  return b.add(b.x(i.rs1), b.imm(i.imm));
}

template <class B>
void lb(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<int8_t>(effective_address(b, i)));
}
template <class B>
void lh(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<int16_t>(effective_address(b, i)));
}
template <class B>
void lw(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<int32_t>(effective_address(b, i)));
}
template <class B>
void ld(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<uint64_t>(effective_address(b, i)));
}
template <class B>
void lbu(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<uint8_t>(effective_address(b, i)));
}
template <class B>
void lhu(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<uint16_t>(effective_address(b, i)));
}
template <class B>
void lwu(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load<uint32_t>(effective_address(b, i)));
}
template <class B>
void sb(B& b, const Insn& i) {
  b.template store<uint8_t>(effective_address(b, i), b.x(i.rs2));
}
template <class B>
void sh(B& b, const Insn& i) {
  b.template store<uint16_t>(effective_address(b, i), b.x(i.rs2));
}
template <class B>
void sw(B& b, const Insn& i) {
  b.template store<uint32_t>(effective_address(b, i), b.x(i.rs2));
}
template <class B>
void sd(B& b, const Insn& i) {
  b.template store<uint64_t>(effective_address(b, i), b.x(i.rs2));
}

// With C, every even target is aligned: control transfers raise no misaligned exception.
template <class B>
void beq(B& b, const Insn& i) {
  b.branch(b.equal(b.x(i.rs1), b.x(i.rs2)), i.imm);
}
template <class B>
void bne(B& b, const Insn& i) {
  b.branch(b.not_equal(b.x(i.rs1), b.x(i.rs2)), i.imm);
}
template <class B>
void blt(B& b, const Insn& i) {
  b.branch(b.less(b.x(i.rs1), b.x(i.rs2)), i.imm);
}
template <class B>
void bge(B& b, const Insn& i) {
  b.branch(b.greater_equal(b.x(i.rs1), b.x(i.rs2)), i.imm);
}
template <class B>
void bltu(B& b, const Insn& i) {
  b.branch(b.less_unsigned(b.x(i.rs1), b.x(i.rs2)), i.imm);
}
template <class B>
void bgeu(B& b, const Insn& i) {
  b.branch(b.greater_equal_unsigned(b.x(i.rs1), b.x(i.rs2)), i.imm);
}

template <class B>
void jal(B& b, const Insn& i) {
  b.set_x(i.rd, b.next_pc());
  b.jump(i.imm);
}
template <class B>
void jalr(B& b, const Insn& i) {
  const auto target = b.bit_and(effective_address(b, i), b.imm(-2));
  b.set_x(i.rd, b.next_pc());
  b.jump_register(target);
}

template <class B>
void mul(B& b, const Insn& i) {
  b.set_x(i.rd, b.mul(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void mulh(B& b, const Insn& i) {
  b.set_x(i.rd, b.mul_high(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void mulhu(B& b, const Insn& i) {
  b.set_x(i.rd, b.mul_high_unsigned(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void mulhsu(B& b, const Insn& i) {
  b.set_x(i.rd, b.mul_high_signed_unsigned(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void mulw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.mul(b.x(i.rs1), b.x(i.rs2))));
}

// §13.2: division by zero gives all ones, or the dividend as remainder; the one overflow, MIN / -1, gives MIN and 0.
template <class B>
void div(B& b, const Insn& i) {
  b.set_x(i.rd, b.divide(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void rem(B& b, const Insn& i) {
  b.set_x(i.rd, b.remainder(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void divu(B& b, const Insn& i) {
  b.set_x(i.rd, b.divide_unsigned(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void remu(B& b, const Insn& i) {
  b.set_x(i.rd, b.remainder_unsigned(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void divw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.divide32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void remw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.remainder32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void divuw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.divide_unsigned32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void remuw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.remainder_unsigned32(b.x(i.rs1), b.x(i.rs2))));
}

}  // namespace emu::riscv::sem
