#pragma once

#include <cstdint>

#include "emu/isa/insn.h"

/// Bit manipulation: RISC-V Unprivileged ISA 20240411, chapter 30 (Zba, Zbb, Zbc, Zbs), and Zicond (chapter 12).
namespace emu::riscv::sem {

// Zba
template <class B>
auto shift_and_add(B& b, auto index, const Insn& i, int shift) {
  return b.add(b.shift_left(index, b.imm(shift)), b.x(i.rs2));
}
template <class B>
void sh1add(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.x(i.rs1), i, 1));
}
template <class B>
void sh2add(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.x(i.rs1), i, 2));
}
template <class B>
void sh3add(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.x(i.rs1), i, 3));
}
template <class B>
void add_uw(B& b, const Insn& i) {
  b.set_x(i.rd, b.add(b.zext32(b.x(i.rs1)), b.x(i.rs2)));
}
template <class B>
void sh1add_uw(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.zext32(b.x(i.rs1)), i, 1));
}
template <class B>
void sh2add_uw(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.zext32(b.x(i.rs1)), i, 2));
}
template <class B>
void sh3add_uw(B& b, const Insn& i) {
  b.set_x(i.rd, shift_and_add(b, b.zext32(b.x(i.rs1)), i, 3));
}
template <class B>
void slli_uw(B& b, const Insn& i) {
  b.set_x(i.rd, b.shift_left(b.zext32(b.x(i.rs1)), b.imm(i.imm)));
}

// Zbb
template <class B>
void andn(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.x(i.rs1), b.bit_not(b.x(i.rs2))));
}
template <class B>
void orn(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_or(b.x(i.rs1), b.bit_not(b.x(i.rs2))));
}
template <class B>
void xnor(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_not(b.bit_xor(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void clz(B& b, const Insn& i) {
  b.set_x(i.rd, b.leading_zeros(b.x(i.rs1)));
}
template <class B>
void ctz(B& b, const Insn& i) {
  b.set_x(i.rd, b.trailing_zeros(b.x(i.rs1)));
}
template <class B>
void cpop(B& b, const Insn& i) {
  b.set_x(i.rd, b.popcount(b.x(i.rs1)));
}
// A bit set just outside the word ends the count at 32.
template <class B>
void clzw(B& b, const Insn& i) {
  const auto marked = b.bit_or(b.shift_left(b.x(i.rs1), b.imm(32)), b.shift_left(b.imm(1), b.imm(31)));
  b.set_x(i.rd, b.leading_zeros(marked));
}
template <class B>
void ctzw(B& b, const Insn& i) {
  b.set_x(i.rd, b.trailing_zeros(b.bit_or(b.x(i.rs1), b.shift_left(b.imm(1), b.imm(32)))));
}
template <class B>
void cpopw(B& b, const Insn& i) {
  b.set_x(i.rd, b.popcount(b.zext32(b.x(i.rs1))));
}
template <class B>
void max(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.less(b.x(i.rs1), b.x(i.rs2)), b.x(i.rs2), b.x(i.rs1)));
}
template <class B>
void maxu(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.less_unsigned(b.x(i.rs1), b.x(i.rs2)), b.x(i.rs2), b.x(i.rs1)));
}
template <class B>
void min(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.less(b.x(i.rs1), b.x(i.rs2)), b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void minu(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.less_unsigned(b.x(i.rs1), b.x(i.rs2)), b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sext_b(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext8(b.x(i.rs1)));
}
template <class B>
void sext_h(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext16(b.x(i.rs1)));
}
template <class B>
void zext_h(B& b, const Insn& i) {
  b.set_x(i.rd, b.zext16(b.x(i.rs1)));
}
template <class B>
void rol(B& b, const Insn& i) {
  b.set_x(i.rd, b.rotate_left(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void ror(B& b, const Insn& i) {
  b.set_x(i.rd, b.rotate_right(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void rori(B& b, const Insn& i) {
  b.set_x(i.rd, b.rotate_right(b.x(i.rs1), b.imm(i.imm)));
}
template <class B>
void rolw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.rotate_left32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void rorw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.rotate_right32(b.x(i.rs1), b.x(i.rs2))));
}
template <class B>
void roriw(B& b, const Insn& i) {
  b.set_x(i.rd, b.sext32(b.rotate_right32(b.x(i.rs1), b.imm(i.imm))));
}
template <class B>
void orc_b(B& b, const Insn& i) {
  b.set_x(i.rd, b.fill_bytes(b.x(i.rs1)));
}
template <class B>
void rev8(B& b, const Insn& i) {
  b.set_x(i.rd, b.byte_swap(b.x(i.rs1)));
}

// Zbs
template <class B>
void bclr(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.x(i.rs1), b.bit_not(b.shift_left(b.imm(1), b.x(i.rs2)))));
}
template <class B>
void bclri(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.x(i.rs1), b.bit_not(b.shift_left(b.imm(1), b.imm(i.imm)))));
}
template <class B>
void bext(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.shift_right(b.x(i.rs1), b.x(i.rs2)), b.imm(1)));
}
template <class B>
void bexti(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_and(b.shift_right(b.x(i.rs1), b.imm(i.imm)), b.imm(1)));
}
template <class B>
void binv(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_xor(b.x(i.rs1), b.shift_left(b.imm(1), b.x(i.rs2))));
}
template <class B>
void binvi(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_xor(b.x(i.rs1), b.shift_left(b.imm(1), b.imm(i.imm))));
}
template <class B>
void bset(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_or(b.x(i.rs1), b.shift_left(b.imm(1), b.x(i.rs2))));
}
template <class B>
void bseti(B& b, const Insn& i) {
  b.set_x(i.rd, b.bit_or(b.x(i.rs1), b.shift_left(b.imm(1), b.imm(i.imm))));
}

// Zbc: clmulr is bits 126 to 63 of the product.
template <class B>
void clmul(B& b, const Insn& i) {
  b.set_x(i.rd, b.carryless_mul(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void clmulh(B& b, const Insn& i) {
  b.set_x(i.rd, b.carryless_mul_high(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void clmulr(B& b, const Insn& i) {
  const auto low = b.carryless_mul(b.x(i.rs1), b.x(i.rs2));
  const auto high = b.carryless_mul_high(b.x(i.rs1), b.x(i.rs2));
  b.set_x(i.rd, b.bit_or(b.shift_left(high, b.imm(1)), b.shift_right(low, b.imm(63))));
}

// Zicond
template <class B>
void czero_eqz(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.equal(b.x(i.rs2), b.imm(0)), b.imm(0), b.x(i.rs1)));
}
template <class B>
void czero_nez(B& b, const Insn& i) {
  b.set_x(i.rd, b.select(b.equal(b.x(i.rs2), b.imm(0)), b.x(i.rs1), b.imm(0)));
}

}  // namespace emu::riscv::sem
