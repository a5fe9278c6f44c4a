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

// F16
template <class B>
void flh(B& b, const Insn& i) {
  float_load<F16>(b, i);
}
template <class B>
void fsh(B& b, const Insn& i) {
  float_store<F16>(b, i);
}
template <class B>
void fadd_h(B& b, const Insn& i) {
  float_add<F16>(b, i);
}
template <class B>
void fsub_h(B& b, const Insn& i) {
  float_sub<F16>(b, i);
}
template <class B>
void fmul_h(B& b, const Insn& i) {
  float_mul<F16>(b, i);
}
template <class B>
void fdiv_h(B& b, const Insn& i) {
  float_div<F16>(b, i);
}
template <class B>
void fsqrt_h(B& b, const Insn& i) {
  float_sqrt<F16>(b, i);
}
template <class B>
void fmadd_h(B& b, const Insn& i) {
  float_madd<F16>(b, i);
}
template <class B>
void fmsub_h(B& b, const Insn& i) {
  float_msub<F16>(b, i);
}
template <class B>
void fnmsub_h(B& b, const Insn& i) {
  float_nmsub<F16>(b, i);
}
template <class B>
void fnmadd_h(B& b, const Insn& i) {
  float_nmadd<F16>(b, i);
}
template <class B>
void fsgnj_h(B& b, const Insn& i) {
  float_sgnj<F16>(b, i);
}
template <class B>
void fsgnjn_h(B& b, const Insn& i) {
  float_sgnjn<F16>(b, i);
}
template <class B>
void fsgnjx_h(B& b, const Insn& i) {
  float_sgnjx<F16>(b, i);
}
template <class B>
void fmin_h(B& b, const Insn& i) {
  float_min<F16>(b, i);
}
template <class B>
void fmax_h(B& b, const Insn& i) {
  float_max<F16>(b, i);
}
template <class B>
void fminm_h(B& b, const Insn& i) {
  float_minm<F16>(b, i);
}
template <class B>
void fmaxm_h(B& b, const Insn& i) {
  float_maxm<F16>(b, i);
}
template <class B>
void feq_h(B& b, const Insn& i) {
  float_eq<F16>(b, i);
}
template <class B>
void flt_h(B& b, const Insn& i) {
  float_lt<F16>(b, i);
}
template <class B>
void fle_h(B& b, const Insn& i) {
  float_le<F16>(b, i);
}
template <class B>
void fltq_h(B& b, const Insn& i) {
  float_ltq<F16>(b, i);
}
template <class B>
void fleq_h(B& b, const Insn& i) {
  float_leq<F16>(b, i);
}
template <class B>
void fround_h(B& b, const Insn& i) {
  float_round<F16>(b, i);
}
template <class B>
void froundnx_h(B& b, const Insn& i) {
  float_roundnx<F16>(b, i);
}
template <class B>
void fclass_h(B& b, const Insn& i) {
  float_class<F16>(b, i);
}
template <class B>
void fli_h(B& b, const Insn& i) {
  float_constant<F16>(b, i);
}
template <class B>
void fcvt_w_h(B& b, const Insn& i) {
  float_to_int<int32_t, F16>(b, i);
}
template <class B>
void fcvt_h_w(B& b, const Insn& i) {
  float_from_int<F16, int32_t>(b, i);
}
template <class B>
void fcvt_wu_h(B& b, const Insn& i) {
  float_to_int<uint32_t, F16>(b, i);
}
template <class B>
void fcvt_h_wu(B& b, const Insn& i) {
  float_from_int<F16, uint32_t>(b, i);
}
template <class B>
void fcvt_l_h(B& b, const Insn& i) {
  float_to_int<int64_t, F16>(b, i);
}
template <class B>
void fcvt_h_l(B& b, const Insn& i) {
  float_from_int<F16, int64_t>(b, i);
}
template <class B>
void fcvt_lu_h(B& b, const Insn& i) {
  float_to_int<uint64_t, F16>(b, i);
}
template <class B>
void fcvt_h_lu(B& b, const Insn& i) {
  float_from_int<F16, uint64_t>(b, i);
}

// F32
template <class B>
void flw(B& b, const Insn& i) {
  float_load<F32>(b, i);
}
template <class B>
void fsw(B& b, const Insn& i) {
  float_store<F32>(b, i);
}
template <class B>
void fadd_s(B& b, const Insn& i) {
  float_add<F32>(b, i);
}
template <class B>
void fsub_s(B& b, const Insn& i) {
  float_sub<F32>(b, i);
}
template <class B>
void fmul_s(B& b, const Insn& i) {
  float_mul<F32>(b, i);
}
template <class B>
void fdiv_s(B& b, const Insn& i) {
  float_div<F32>(b, i);
}
template <class B>
void fsqrt_s(B& b, const Insn& i) {
  float_sqrt<F32>(b, i);
}
template <class B>
void fmadd_s(B& b, const Insn& i) {
  float_madd<F32>(b, i);
}
template <class B>
void fmsub_s(B& b, const Insn& i) {
  float_msub<F32>(b, i);
}
template <class B>
void fnmsub_s(B& b, const Insn& i) {
  float_nmsub<F32>(b, i);
}
template <class B>
void fnmadd_s(B& b, const Insn& i) {
  float_nmadd<F32>(b, i);
}
template <class B>
void fsgnj_s(B& b, const Insn& i) {
  float_sgnj<F32>(b, i);
}
template <class B>
void fsgnjn_s(B& b, const Insn& i) {
  float_sgnjn<F32>(b, i);
}
template <class B>
void fsgnjx_s(B& b, const Insn& i) {
  float_sgnjx<F32>(b, i);
}
template <class B>
void fmin_s(B& b, const Insn& i) {
  float_min<F32>(b, i);
}
template <class B>
void fmax_s(B& b, const Insn& i) {
  float_max<F32>(b, i);
}
template <class B>
void fminm_s(B& b, const Insn& i) {
  float_minm<F32>(b, i);
}
template <class B>
void fmaxm_s(B& b, const Insn& i) {
  float_maxm<F32>(b, i);
}
template <class B>
void feq_s(B& b, const Insn& i) {
  float_eq<F32>(b, i);
}
template <class B>
void flt_s(B& b, const Insn& i) {
  float_lt<F32>(b, i);
}
template <class B>
void fle_s(B& b, const Insn& i) {
  float_le<F32>(b, i);
}
template <class B>
void fltq_s(B& b, const Insn& i) {
  float_ltq<F32>(b, i);
}
template <class B>
void fleq_s(B& b, const Insn& i) {
  float_leq<F32>(b, i);
}
template <class B>
void fround_s(B& b, const Insn& i) {
  float_round<F32>(b, i);
}
template <class B>
void froundnx_s(B& b, const Insn& i) {
  float_roundnx<F32>(b, i);
}
template <class B>
void fclass_s(B& b, const Insn& i) {
  float_class<F32>(b, i);
}
template <class B>
void fli_s(B& b, const Insn& i) {
  float_constant<F32>(b, i);
}
template <class B>
void fcvt_w_s(B& b, const Insn& i) {
  float_to_int<int32_t, F32>(b, i);
}
template <class B>
void fcvt_s_w(B& b, const Insn& i) {
  float_from_int<F32, int32_t>(b, i);
}
template <class B>
void fcvt_wu_s(B& b, const Insn& i) {
  float_to_int<uint32_t, F32>(b, i);
}
template <class B>
void fcvt_s_wu(B& b, const Insn& i) {
  float_from_int<F32, uint32_t>(b, i);
}
template <class B>
void fcvt_l_s(B& b, const Insn& i) {
  float_to_int<int64_t, F32>(b, i);
}
template <class B>
void fcvt_s_l(B& b, const Insn& i) {
  float_from_int<F32, int64_t>(b, i);
}
template <class B>
void fcvt_lu_s(B& b, const Insn& i) {
  float_to_int<uint64_t, F32>(b, i);
}
template <class B>
void fcvt_s_lu(B& b, const Insn& i) {
  float_from_int<F32, uint64_t>(b, i);
}

// F64
template <class B>
void fld(B& b, const Insn& i) {
  float_load<F64>(b, i);
}
template <class B>
void fsd(B& b, const Insn& i) {
  float_store<F64>(b, i);
}
template <class B>
void fadd_d(B& b, const Insn& i) {
  float_add<F64>(b, i);
}
template <class B>
void fsub_d(B& b, const Insn& i) {
  float_sub<F64>(b, i);
}
template <class B>
void fmul_d(B& b, const Insn& i) {
  float_mul<F64>(b, i);
}
template <class B>
void fdiv_d(B& b, const Insn& i) {
  float_div<F64>(b, i);
}
template <class B>
void fsqrt_d(B& b, const Insn& i) {
  float_sqrt<F64>(b, i);
}
template <class B>
void fmadd_d(B& b, const Insn& i) {
  float_madd<F64>(b, i);
}
template <class B>
void fmsub_d(B& b, const Insn& i) {
  float_msub<F64>(b, i);
}
template <class B>
void fnmsub_d(B& b, const Insn& i) {
  float_nmsub<F64>(b, i);
}
template <class B>
void fnmadd_d(B& b, const Insn& i) {
  float_nmadd<F64>(b, i);
}
template <class B>
void fsgnj_d(B& b, const Insn& i) {
  float_sgnj<F64>(b, i);
}
template <class B>
void fsgnjn_d(B& b, const Insn& i) {
  float_sgnjn<F64>(b, i);
}
template <class B>
void fsgnjx_d(B& b, const Insn& i) {
  float_sgnjx<F64>(b, i);
}
template <class B>
void fmin_d(B& b, const Insn& i) {
  float_min<F64>(b, i);
}
template <class B>
void fmax_d(B& b, const Insn& i) {
  float_max<F64>(b, i);
}
template <class B>
void fminm_d(B& b, const Insn& i) {
  float_minm<F64>(b, i);
}
template <class B>
void fmaxm_d(B& b, const Insn& i) {
  float_maxm<F64>(b, i);
}
template <class B>
void feq_d(B& b, const Insn& i) {
  float_eq<F64>(b, i);
}
template <class B>
void flt_d(B& b, const Insn& i) {
  float_lt<F64>(b, i);
}
template <class B>
void fle_d(B& b, const Insn& i) {
  float_le<F64>(b, i);
}
template <class B>
void fltq_d(B& b, const Insn& i) {
  float_ltq<F64>(b, i);
}
template <class B>
void fleq_d(B& b, const Insn& i) {
  float_leq<F64>(b, i);
}
template <class B>
void fround_d(B& b, const Insn& i) {
  float_round<F64>(b, i);
}
template <class B>
void froundnx_d(B& b, const Insn& i) {
  float_roundnx<F64>(b, i);
}
template <class B>
void fclass_d(B& b, const Insn& i) {
  float_class<F64>(b, i);
}
template <class B>
void fli_d(B& b, const Insn& i) {
  float_constant<F64>(b, i);
}
template <class B>
void fcvt_w_d(B& b, const Insn& i) {
  float_to_int<int32_t, F64>(b, i);
}
template <class B>
void fcvt_d_w(B& b, const Insn& i) {
  float_from_int<F64, int32_t>(b, i);
}
template <class B>
void fcvt_wu_d(B& b, const Insn& i) {
  float_to_int<uint32_t, F64>(b, i);
}
template <class B>
void fcvt_d_wu(B& b, const Insn& i) {
  float_from_int<F64, uint32_t>(b, i);
}
template <class B>
void fcvt_l_d(B& b, const Insn& i) {
  float_to_int<int64_t, F64>(b, i);
}
template <class B>
void fcvt_d_l(B& b, const Insn& i) {
  float_from_int<F64, int64_t>(b, i);
}
template <class B>
void fcvt_lu_d(B& b, const Insn& i) {
  float_to_int<uint64_t, F64>(b, i);
}
template <class B>
void fcvt_d_lu(B& b, const Insn& i) {
  float_from_int<F64, uint64_t>(b, i);
}

template <class B>
void fcvt_h_s(B& b, const Insn& i) {
  float_convert<F16, F32>(b, i);
}
template <class B>
void fcvt_h_d(B& b, const Insn& i) {
  float_convert<F16, F64>(b, i);
}
template <class B>
void fcvt_s_h(B& b, const Insn& i) {
  float_convert<F32, F16>(b, i);
}
template <class B>
void fcvt_s_d(B& b, const Insn& i) {
  float_convert<F32, F64>(b, i);
}
template <class B>
void fcvt_d_h(B& b, const Insn& i) {
  float_convert<F64, F16>(b, i);
}
template <class B>
void fcvt_d_s(B& b, const Insn& i) {
  float_convert<F64, F32>(b, i);
}

}  // namespace emu::riscv::sem
