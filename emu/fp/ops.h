#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "emu/fp/constants.h"
#include "emu/fp/env.h"
#include "emu/fp/format.h"
#include "emu/fp/host.h"
#include "emu/fp/soft/arithmetic.h"
#include "emu/fp/soft/compare.h"
#include "emu/fp/soft/convert.h"

/// What floating-point instructions call: bit-exact IEEE 754 results and flags on the bits of F16, F32 and F64 values.
/// Results that are NaNs are canonical. `Rounding` is the instruction's own direction, or `env.rounding()`, which the
/// caller has found to be valid.
///
/// Callers hold a HostFp of `env` (env.h): where the host's FPU is exact it computes, and collects the flags itself.
namespace emu::fp {

/// Whether the host's FPU is set to `rounding`: a HostFp puts `frm` there, but it has no mode for ties away from zero.
inline bool host_rounds(const Env& env, Rounding rounding) noexcept {
  return rounding == env.rounding() && rounding != Rounding::nearest_away;
}

template <class F>
typename F::Bits add(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding)) [[likely]]
      return host::add<F>(a, b);
  }
  return soft::add<F>(env, rounding, a, b);
}

template <class F>
typename F::Bits sub(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding)) [[likely]]
      return host::sub<F>(a, b);
  }
  return soft::sub<F>(env, rounding, a, b);
}

template <class F>
typename F::Bits mul(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding)) [[likely]]
      return host::mul<F>(a, b);
  }
  return soft::mul<F>(env, rounding, a, b);
}

template <class F>
typename F::Bits div(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding)) [[likely]]
      return host::div<F>(a, b);
  }
  return soft::div<F>(env, rounding, a, b);
}

template <class F>
typename F::Bits sqrt(Env& env, Rounding rounding, typename F::Bits a) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding)) [[likely]]
      return host::sqrt<F>(a);
  }
  return soft::sqrt<F>(env, rounding, a);
}

/// a * b + c, rounded once. RISC-V's fmsub, fnmadd and fnmsub are this with the signs of `a` and `c` changed.
template <class F>
typename F::Bits fma(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b, typename F::Bits c) noexcept {
  if constexpr (host::kAvailable<F>) {
    if (host_rounds(env, rounding) && host::has_fma()) [[likely]] {
      const typename F::Bits result = host::fma<F>(a, b, c);
      if (result != F::kCanonicalNan) [[likely]]
        return result;
    }
  }
  return soft::fma<F>(env, rounding, a, b, c);
}

/// IEEE 754-2019 minimumNumber: RISC-V fmin.
template <class F>
typename F::Bits min(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  return soft::pick_number<F>(env, a, b, true);
}

/// IEEE 754-2019 maximumNumber: RISC-V fmax.
template <class F>
typename F::Bits max(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  return soft::pick_number<F>(env, a, b, false);
}

/// Zfa fminm: a NaN wins.
template <class F>
typename F::Bits minimum(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  return soft::pick<F>(env, a, b, true);
}

/// Zfa fmaxm: a NaN wins.
template <class F>
typename F::Bits maximum(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  return soft::pick<F>(env, a, b, false);
}

/// RISC-V feq: a quiet NaN raises nothing.
template <class F>
bool equal(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) return host::equal<F>(a, b);
  return soft::equal<F>(env, a, b);
}

/// RISC-V flt: any NaN is invalid.
template <class F>
bool less(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) return host::less<F>(a, b);
  return soft::less<F>(env, a, b, true);
}

/// RISC-V fle: any NaN is invalid.
template <class F>
bool less_equal(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) return host::less_equal<F>(a, b);
  return soft::less_equal<F>(env, a, b, true);
}

/// Zfa fltq.
template <class F>
bool less_quiet(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) return host::less_quiet<F>(a, b);
  return soft::less<F>(env, a, b, false);
}

/// Zfa fleq.
template <class F>
bool less_equal_quiet(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if constexpr (host::kAvailable<F>) return host::less_equal_quiet<F>(a, b);
  return soft::less_equal<F>(env, a, b, false);
}

/// RISC-V fclass: one of ten bits.
template <class F>
uint32_t classify(typename F::Bits a) noexcept {
  return soft::classify<F>(a);
}

/// Below the value of these bits no conversion to `Int`, an unsigned type, exceeds it or int64_t, in any direction.
template <class Int, class F>
inline constexpr typename F::Bits kUnsignedLimit = 0;
template <>
inline constexpr uint32_t kUnsignedLimit<uint32_t, F32> = 0x4f80'0000;  // 2^32
template <>
inline constexpr uint64_t kUnsignedLimit<uint32_t, F64> = 0x41ef'ffff'ffe0'0000;  // 2^32 - 1
template <>
inline constexpr uint32_t kUnsignedLimit<uint64_t, F32> = 0x5f00'0000;  // 2^63
template <>
inline constexpr uint64_t kUnsignedLimit<uint64_t, F64> = 0x43e0'0000'0000'0000;  // 2^63

/// To int32_t, uint32_t, int64_t or uint64_t; RISC-V's results for what does not fit (soft/convert.h).
template <class Int, class F>
Int to_int(Env& env, Rounding rounding, typename F::Bits a) noexcept {
  if constexpr (host::kAvailable<F>) {
    using Signed = std::conditional_t<std::is_signed_v<Int>, Int, int64_t>;
    if (std::is_signed_v<Int> || a < kUnsignedLimit<Int, F>) {
      if (rounding == Rounding::to_zero || host_rounds(env, rounding)) [[likely]] {
        const Signed value = rounding == Rounding::to_zero ? host::truncate<Signed, F>(a) : host::to_int<Signed, F>(a);
        // The host's answer to what does not fit. It was invalid, as it is below.
        if (value != std::numeric_limits<Signed>::min()) [[likely]]
          return static_cast<Int>(value);
      }
    }
  }
  return soft::to_int<Int, F>(env, rounding, a);
}

template <class F, class Int>
typename F::Bits from_int(Env& env, Rounding rounding, Int value) noexcept {
  if constexpr (host::kAvailable<F>) {
    constexpr bool kExact = std::same_as<F, F64> && sizeof(Int) == 4;
    if (kExact || host_rounds(env, rounding)) [[likely]] {
      if constexpr (std::is_signed_v<Int>) return host::from_int<F>(value);
      const auto wide = static_cast<int64_t>(value);
      if (wide >= 0) [[likely]]
        return host::from_int<F>(wide);
    }
  }
  return soft::from_int<F, Int>(env, rounding, value);
}

template <class To, class From>
typename To::Bits convert(Env& env, Rounding rounding, typename From::Bits a) noexcept {
  if constexpr (host::kAvailable<To> && host::kAvailable<From>) {
    constexpr bool kExact = To::kWidth > From::kWidth;
    if (kExact || host_rounds(env, rounding)) [[likely]]
      return host::convert<To, From>(a);
  }
  return soft::convert<To, From>(env, rounding, a);
}

/// Zfa fround, and with `signal_inexact` froundnx.
template <class F>
typename F::Bits round_to_integral(Env& env, Rounding rounding, typename F::Bits a, bool signal_inexact) noexcept {
  return soft::round_to_integral<F>(env, rounding, a, signal_inexact);
}

/// Zfa fcvtmod.w.d.
inline int32_t to_int32_modular(Env& env, uint64_t a) noexcept { return soft::to_int32_modular(env, a); }

/// What Zfa fli loads, by number (the low five bits of `index`).
template <class F>
constexpr typename F::Bits constant(unsigned index) noexcept {
  return kConstants<F>[index & 31];
}

}  // namespace emu::fp
