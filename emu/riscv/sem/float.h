#pragma once

#include <cstdint>

#include "emu/fp/format.h"
#include "emu/fp/ops.h"
#include "emu/isa/insn.h"

/// Floating point: RISC-V Unprivileged ISA 20240411, chapters 21 (F), 22 (D), 24 (Zfhmin, Zfh), 25 (Zfa). `F` is the
/// format; its values travel as their bits, zero-extended. A register holds a narrower value NaN-boxed (§22.2).
namespace emu::riscv::sem {

using emu::fp::F16;
using emu::fp::F32;
using emu::fp::F64;

/// The `rm` field: a rounding direction, or 7 for that in `frm`.
inline unsigned rounding_field(const Insn& i) { return i.raw >> 12 & 7; }

template <class F, class B>
void float_load(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.template load<typename F::Bits>(b.add(b.x(i.rs1), b.imm(i.imm))));
}
template <class F, class B>
void float_store(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template store<typename F::Bits>(b.add(b.x(i.rs1), b.imm(i.imm)), b.f_bits(i.rs2));
}

/// rd = operation(rs1, rs2), rounded.
template <class F, class B, class Operation>
void float_arithmetic(B& b, const Insn& i, Operation operation) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<F>(i.rd, operation(rounding_field(i), b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_add(B& b, const Insn& i) {
  float_arithmetic<F>(b, i, [&b](auto rm, auto x, auto y) { return b.template float_add<F>(rm, x, y); });
}
template <class F, class B>
void float_sub(B& b, const Insn& i) {
  float_arithmetic<F>(b, i, [&b](auto rm, auto x, auto y) { return b.template float_sub<F>(rm, x, y); });
}
template <class F, class B>
void float_mul(B& b, const Insn& i) {
  float_arithmetic<F>(b, i, [&b](auto rm, auto x, auto y) { return b.template float_mul<F>(rm, x, y); });
}
template <class F, class B>
void float_div(B& b, const Insn& i) {
  float_arithmetic<F>(b, i, [&b](auto rm, auto x, auto y) { return b.template float_div<F>(rm, x, y); });
}
template <class F, class B>
void float_sqrt(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<F>(i.rd, b.template float_sqrt<F>(rounding_field(i), b.template f<F>(i.rs1)));
}

/// rd = (-)rs1 * rs2 (+/-) rs3, rounded once.
template <class F, bool negate_product, bool negate_addend, class B>
void float_fma(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  auto x = b.template f<F>(i.rs1);
  auto z = b.template f<F>(i.rs3);
  if constexpr (negate_product) x = b.bit_xor(x, b.constant(F::kSign));
  if constexpr (negate_addend) z = b.bit_xor(z, b.constant(F::kSign));
  b.template set_f<F>(i.rd, b.template float_fma<F>(rounding_field(i), x, b.template f<F>(i.rs2), z));
}
template <class F, class B>
void float_madd(B& b, const Insn& i) {
  float_fma<F, false, false>(b, i);
}
template <class F, class B>
void float_msub(B& b, const Insn& i) {
  float_fma<F, false, true>(b, i);
}
template <class F, class B>
void float_nmsub(B& b, const Insn& i) {
  float_fma<F, true, false>(b, i);
}
template <class F, class B>
void float_nmadd(B& b, const Insn& i) {
  float_fma<F, true, true>(b, i);
}

/// rs1 with the sign bit that `sign` makes of both.
template <class F, class B, class Sign>
void float_sign(B& b, const Insn& i, Sign sign) {
  if (!b.enter_fp(i)) return;
  const auto x = b.template f<F>(i.rs1);
  const auto magnitude = b.bit_and(x, b.constant(F::kSign - 1u));
  b.template set_f<F>(i.rd, b.bit_or(magnitude, b.bit_and(sign(x, b.template f<F>(i.rs2)), b.constant(F::kSign))));
}
template <class F, class B>
void float_sgnj(B& b, const Insn& i) {
  float_sign<F>(b, i, [](auto, auto y) { return y; });
}
template <class F, class B>
void float_sgnjn(B& b, const Insn& i) {
  float_sign<F>(b, i, [&b](auto, auto y) { return b.bit_not(y); });
}
template <class F, class B>
void float_sgnjx(B& b, const Insn& i) {
  float_sign<F>(b, i, [&b](auto x, auto y) { return b.bit_xor(x, y); });
}

template <class F, class B>
void float_min(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.template float_min<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_max(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.template float_max<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_minm(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.template float_minimum<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_maxm(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.template float_maximum<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}

template <class F, class B>
void float_eq(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_equal<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_lt(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_less<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_le(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_less_equal<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_ltq(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_less_quiet<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_leq(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_less_equal_quiet<F>(b.template f<F>(i.rs1), b.template f<F>(i.rs2)));
}
template <class F, class B>
void float_class(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.template float_classify<F>(b.template f<F>(i.rs1)));
}

/// 32-bit results are sign-extended, unsigned ones too.
template <class Int, class F, class B>
void float_to_int(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.set_x(i.rd, b.template float_to_int<Int, F>(rounding_field(i), b.template f<F>(i.rs1)));
}
template <class F, class Int, class B>
void float_from_int(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<F>(i.rd, b.template float_from_int<F, Int>(rounding_field(i), b.x(i.rs1)));
}
template <class To, class From, class B>
void float_convert(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<To>(i.rd, b.template float_convert<To, From>(rounding_field(i), b.template f<From>(i.rs1)));
}
template <class F, class B>
void float_round(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<F>(i.rd, b.template float_round<F>(rounding_field(i), b.template f<F>(i.rs1), false));
}
template <class F, class B>
void float_roundnx(B& b, const Insn& i) {
  if (!b.enter_fp_rounded(i)) return;
  b.template set_f<F>(i.rd, b.template float_round<F>(rounding_field(i), b.template f<F>(i.rs1), true));
}
/// Zfa fli: the constant that the rs1 field numbers.
template <class F, class B>
void float_constant(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.constant(fp::constant<F>(i.raw >> 15 & 31)));
}

template <class B>
void fmv_x_h(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.sext16(b.f_bits(i.rs1)));
}
template <class B>
void fmv_x_w(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.sext32(b.f_bits(i.rs1)));
}
template <class B>
void fmv_x_d(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.f_bits(i.rs1));
}
template <class F, class B>
void float_move_from_x(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.template set_f<F>(i.rd, b.x(i.rs1));
}
template <class B>
void fmv_h_x(B& b, const Insn& i) {
  float_move_from_x<F16>(b, i);
}
template <class B>
void fmv_w_x(B& b, const Insn& i) {
  float_move_from_x<F32>(b, i);
}
template <class B>
void fmv_d_x(B& b, const Insn& i) {
  float_move_from_x<F64>(b, i);
}

template <class B>
void fcvtmod_w_d(B& b, const Insn& i) {
  if (!b.enter_fp(i)) return;
  b.set_x(i.rd, b.float_to_int32_modular(b.template f<F64>(i.rs1)));
}

}  // namespace emu::riscv::sem
