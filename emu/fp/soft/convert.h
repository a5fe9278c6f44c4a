#pragma once

#include <cstdint>

#include "emu/fp/env.h"
#include "emu/fp/format.h"

/// IEEE 754-2019 §5.4.2, §5.4.3 and §5.9 conversions, with the results that RISC-V gives to what does not fit (§20.7).
namespace emu::fp::soft {

/// `Int` is int32_t, uint32_t, int64_t or uint64_t. Out of range and infinity: invalid, and the nearest integer of the
/// type; NaN: invalid, and the type's largest.
template <class Int, class F>
Int to_int(Env& env, Rounding rounding, typename F::Bits a) noexcept;

template <class F, class Int>
typename F::Bits from_int(Env& env, Rounding rounding, Int value) noexcept;

template <class To, class From>
typename To::Bits convert(Env& env, Rounding rounding, typename From::Bits a) noexcept;

/// Zfa fround (without `signal_inexact`) and froundnx.
template <class F>
typename F::Bits round_to_integral(Env& env, Rounding rounding, typename F::Bits a, bool signal_inexact) noexcept;

/// Zfa fcvtmod.w.d: towards zero, modulo 2^32; the flags of to_int<int32_t>.
int32_t to_int32_modular(Env& env, uint64_t a) noexcept;

}  // namespace emu::fp::soft
