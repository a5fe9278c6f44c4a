#pragma once

#include <cstdint>

#include "emu/isa/insn.h"
#include "emu/isa/read_modify_write.h"
#include "emu/riscv/helpers.h"

/// Atomic instructions: RISC-V Unprivileged ISA 20240411, chapters 14 (A), 16 (Zacas), 17 (Zabha). All are carried out
/// as sequentially consistent, which every combination of aq and rl allows.
namespace emu::riscv::sem {

template <class B>
void lr_w(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load_reserved<int32_t>(b.x(i.rs1)));
}
template <class B>
void lr_d(B& b, const Insn& i) {
  b.set_x(i.rd, b.template load_reserved<int64_t>(b.x(i.rs1)));
}
template <class B>
void sc_w(B& b, const Insn& i) {
  b.set_x(i.rd, b.template store_conditional<int32_t>(b.x(i.rs1), b.x(i.rs2)));
}
template <class B>
void sc_d(B& b, const Insn& i) {
  b.set_x(i.rd, b.template store_conditional<int64_t>(b.x(i.rs1), b.x(i.rs2)));
}

/// `Int` gives the width; the old value is sign-extended into rd.
template <Rmw operation, class Int, class B>
void amo(B& b, const Insn& i) {
  b.set_x(i.rd, b.template read_modify_write<operation, Int>(b.x(i.rs1), b.x(i.rs2)));
}

template <class B>
void amoswap_b(B& b, const Insn& i) {
  amo<Rmw::swap, int8_t>(b, i);
}
template <class B>
void amoswap_h(B& b, const Insn& i) {
  amo<Rmw::swap, int16_t>(b, i);
}
template <class B>
void amoswap_w(B& b, const Insn& i) {
  amo<Rmw::swap, int32_t>(b, i);
}
template <class B>
void amoswap_d(B& b, const Insn& i) {
  amo<Rmw::swap, int64_t>(b, i);
}
template <class B>
void amoadd_b(B& b, const Insn& i) {
  amo<Rmw::add, int8_t>(b, i);
}
template <class B>
void amoadd_h(B& b, const Insn& i) {
  amo<Rmw::add, int16_t>(b, i);
}
template <class B>
void amoadd_w(B& b, const Insn& i) {
  amo<Rmw::add, int32_t>(b, i);
}
template <class B>
void amoadd_d(B& b, const Insn& i) {
  amo<Rmw::add, int64_t>(b, i);
}
template <class B>
void amoxor_b(B& b, const Insn& i) {
  amo<Rmw::bit_xor, int8_t>(b, i);
}
template <class B>
void amoxor_h(B& b, const Insn& i) {
  amo<Rmw::bit_xor, int16_t>(b, i);
}
template <class B>
void amoxor_w(B& b, const Insn& i) {
  amo<Rmw::bit_xor, int32_t>(b, i);
}
template <class B>
void amoxor_d(B& b, const Insn& i) {
  amo<Rmw::bit_xor, int64_t>(b, i);
}
template <class B>
void amoand_b(B& b, const Insn& i) {
  amo<Rmw::bit_and, int8_t>(b, i);
}
template <class B>
void amoand_h(B& b, const Insn& i) {
  amo<Rmw::bit_and, int16_t>(b, i);
}
template <class B>
void amoand_w(B& b, const Insn& i) {
  amo<Rmw::bit_and, int32_t>(b, i);
}
template <class B>
void amoand_d(B& b, const Insn& i) {
  amo<Rmw::bit_and, int64_t>(b, i);
}
template <class B>
void amoor_b(B& b, const Insn& i) {
  amo<Rmw::bit_or, int8_t>(b, i);
}
template <class B>
void amoor_h(B& b, const Insn& i) {
  amo<Rmw::bit_or, int16_t>(b, i);
}
template <class B>
void amoor_w(B& b, const Insn& i) {
  amo<Rmw::bit_or, int32_t>(b, i);
}
template <class B>
void amoor_d(B& b, const Insn& i) {
  amo<Rmw::bit_or, int64_t>(b, i);
}
template <class B>
void amomin_b(B& b, const Insn& i) {
  amo<Rmw::minimum, int8_t>(b, i);
}
template <class B>
void amomin_h(B& b, const Insn& i) {
  amo<Rmw::minimum, int16_t>(b, i);
}
template <class B>
void amomin_w(B& b, const Insn& i) {
  amo<Rmw::minimum, int32_t>(b, i);
}
template <class B>
void amomin_d(B& b, const Insn& i) {
  amo<Rmw::minimum, int64_t>(b, i);
}
template <class B>
void amomax_b(B& b, const Insn& i) {
  amo<Rmw::maximum, int8_t>(b, i);
}
template <class B>
void amomax_h(B& b, const Insn& i) {
  amo<Rmw::maximum, int16_t>(b, i);
}
template <class B>
void amomax_w(B& b, const Insn& i) {
  amo<Rmw::maximum, int32_t>(b, i);
}
template <class B>
void amomax_d(B& b, const Insn& i) {
  amo<Rmw::maximum, int64_t>(b, i);
}
template <class B>
void amominu_b(B& b, const Insn& i) {
  amo<Rmw::minimum_unsigned, int8_t>(b, i);
}
template <class B>
void amominu_h(B& b, const Insn& i) {
  amo<Rmw::minimum_unsigned, int16_t>(b, i);
}
template <class B>
void amominu_w(B& b, const Insn& i) {
  amo<Rmw::minimum_unsigned, int32_t>(b, i);
}
template <class B>
void amominu_d(B& b, const Insn& i) {
  amo<Rmw::minimum_unsigned, int64_t>(b, i);
}
template <class B>
void amomaxu_b(B& b, const Insn& i) {
  amo<Rmw::maximum_unsigned, int8_t>(b, i);
}
template <class B>
void amomaxu_h(B& b, const Insn& i) {
  amo<Rmw::maximum_unsigned, int16_t>(b, i);
}
template <class B>
void amomaxu_w(B& b, const Insn& i) {
  amo<Rmw::maximum_unsigned, int32_t>(b, i);
}
template <class B>
void amomaxu_d(B& b, const Insn& i) {
  amo<Rmw::maximum_unsigned, int64_t>(b, i);
}

/// Compares with rd, and always loads rd with the old value.
template <class Int, class B>
void compare_and_swap(B& b, const Insn& i, uint8_t expected) {
  b.set_x(i.rd, b.template compare_and_swap<Int>(b.x(i.rs1), b.x(expected), b.x(i.rs2)));
}
/// The compare value comes from the encoded rd, of which x0 reads as zero (Insn::rd names the sink then).
inline uint8_t encoded_rd(const Insn& i) { return static_cast<uint8_t>(i.raw >> 7 & 31); }

template <class B>
void amocas_b(B& b, const Insn& i) {
  compare_and_swap<int8_t>(b, i, encoded_rd(i));
}
template <class B>
void amocas_h(B& b, const Insn& i) {
  compare_and_swap<int16_t>(b, i, encoded_rd(i));
}
template <class B>
void amocas_w(B& b, const Insn& i) {
  compare_and_swap<int32_t>(b, i, encoded_rd(i));
}
template <class B>
void amocas_d(B& b, const Insn& i) {
  compare_and_swap<int64_t>(b, i, encoded_rd(i));
}
template <class B>
void amocas_q(B& b, const Insn&) {
  b.template call<riscv::amocas_q>();
}

}  // namespace emu::riscv::sem
