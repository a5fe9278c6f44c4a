#pragma once

#include "emu/riscv/sem/float.h"

/// The floating-point instructions by name: one form of each operation for each format.
namespace emu::riscv::sem {

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
