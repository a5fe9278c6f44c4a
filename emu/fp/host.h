#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "emu/fp/env.h"
#include "emu/fp/format.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/// Operations by the host's FPU, in the direction that it is set to (HostFp); it collects the exceptions.
///
/// x86-64's SSE agrees with RISC-V bit for bit, but for NaN payloads, which are made canonical here: both detect
/// tininess after rounding (Intel SDM volume 1, §4.9.1.5). Elsewhere nothing is available: Arm, for one, detects it
/// before rounding.
///
/// The compiler believes that floating-point operations have no side effects and may compute them early, late, twice,
/// or never. Each operation therefore takes its operands from an empty volatile assembler statement and gives its
/// result to another: volatile statements stay in order among themselves and with all accesses to MXCSR.
namespace emu::fp::host {

#if defined(__x86_64__)
template <class F>
inline constexpr bool kAvailable = std::same_as<F, F32> || std::same_as<F, F64>;
#else
template <class F>
inline constexpr bool kAvailable = false;
#endif

template <class F>
typename F::Bits add(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits sub(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits mul(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits div(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
typename F::Bits sqrt(typename F::Bits a) noexcept;

/// The processor has fused multiply-add.
bool has_fma() noexcept;
/// a * b + c, only if has_fma(). Unlike RISC-V, infinity times zero plus a quiet NaN is not invalid: a NaN needs
/// another look.
template <class F>
typename F::Bits fma(typename F::Bits a, typename F::Bits b, typename F::Bits c) noexcept;

template <class F>
bool equal(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
bool less(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
bool less_equal(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
bool less_quiet(typename F::Bits a, typename F::Bits b) noexcept;
template <class F>
bool less_equal_quiet(typename F::Bits a, typename F::Bits b) noexcept;

/// `Int` is int32_t or int64_t. What does not fit is invalid, not inexact, and gives the smallest integer.
template <class Int, class F>
Int to_int(typename F::Bits a) noexcept;
/// The same, but towards zero whatever the FPU is set to.
template <class Int, class F>
Int truncate(typename F::Bits a) noexcept;
/// `Int` is int32_t or int64_t.
template <class F, class Int>
typename F::Bits from_int(Int value) noexcept;
template <class To, class From>
typename To::Bits convert(typename From::Bits a) noexcept;

#if defined(__x86_64__)

template <class F>
using Native = std::conditional_t<std::same_as<F, F32>, float, double>;

template <class T>
void pin(T& value) noexcept {
  if constexpr (std::floating_point<T>) {
    asm volatile("" : "+x"(value));
  } else {
    asm volatile("" : "+r"(value));
  }
}

template <class F>
Native<F> native(typename F::Bits bits) noexcept {
  return std::bit_cast<Native<F>>(bits);
}

template <class F>
Native<F> operand(typename F::Bits bits) noexcept {
  auto value = native<F>(bits);
  pin(value);
  return value;
}

template <class F>
typename F::Bits result(Native<F> value) noexcept {
  pin(value);
  if (value != value) [[unlikely]] {
    value = native<F>(F::kCanonicalNan);
    pin(value);  // makes it a branch: a conditional move would have every result wait for the comparison
  }
  return std::bit_cast<typename F::Bits>(value);
}

template <class F>
typename F::Bits add(typename F::Bits a, typename F::Bits b) noexcept {
  return result<F>(operand<F>(a) + operand<F>(b));
}

template <class F>
typename F::Bits sub(typename F::Bits a, typename F::Bits b) noexcept {
  return result<F>(operand<F>(a) - operand<F>(b));
}

template <class F>
typename F::Bits mul(typename F::Bits a, typename F::Bits b) noexcept {
  return result<F>(operand<F>(a) * operand<F>(b));
}

template <class F>
typename F::Bits div(typename F::Bits a, typename F::Bits b) noexcept {
  return result<F>(operand<F>(a) / operand<F>(b));
}

template <class F>
typename F::Bits sqrt(typename F::Bits a) noexcept {
  auto value = native<F>(a);
  if constexpr (std::same_as<F, F32>) {
    asm volatile("sqrtss %0, %0" : "+x"(value));
  } else {
    asm volatile("sqrtsd %0, %0" : "+x"(value));
  }
  return result<F>(value);
}

namespace detail {
inline const bool has_fma = __builtin_cpu_supports("fma") != 0;
}
inline bool has_fma() noexcept { return detail::has_fma; }

// By name, for the build is for processors that lack the instructions too.
template <class F>
typename F::Bits fma(typename F::Bits a, typename F::Bits b, typename F::Bits c) noexcept {
  auto value = native<F>(a);
  const auto factor = native<F>(b);
  const auto addend = native<F>(c);
  if constexpr (std::same_as<F, F32>) {
    asm volatile("vfmadd213ss %2, %1, %0" : "+x"(value) : "x"(factor), "x"(addend));
  } else {
    asm volatile("vfmadd213sd %2, %1, %0" : "+x"(value) : "x"(factor), "x"(addend));
  }
  return result<F>(value);
}

// IEEE 754-2019 §5.11: COMIS is the signalling comparison, UCOMIS the quiet one. Of unordered operands both say
// "below", "equal" and "parity": the order is asked as "b is above a" and "b is not below a", which are false then.
template <class F>
bool equal(typename F::Bits a, typename F::Bits b) noexcept {
  bool zero;
  bool no_parity;
  if constexpr (std::same_as<F, F32>) {
    asm volatile("ucomiss %3, %2" : "=@ccz"(zero), "=@ccnp"(no_parity) : "x"(native<F>(a)), "x"(native<F>(b)));
  } else {
    asm volatile("ucomisd %3, %2" : "=@ccz"(zero), "=@ccnp"(no_parity) : "x"(native<F>(a)), "x"(native<F>(b)));
  }
  return zero && no_parity;
}

template <class F>
bool less(typename F::Bits a, typename F::Bits b) noexcept {
  bool truth;
  if constexpr (std::same_as<F, F32>) {
    asm volatile("comiss %1, %2" : "=@cca"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  } else {
    asm volatile("comisd %1, %2" : "=@cca"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  }
  return truth;
}

template <class F>
bool less_equal(typename F::Bits a, typename F::Bits b) noexcept {
  bool truth;
  if constexpr (std::same_as<F, F32>) {
    asm volatile("comiss %1, %2" : "=@ccae"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  } else {
    asm volatile("comisd %1, %2" : "=@ccae"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  }
  return truth;
}

template <class F>
bool less_quiet(typename F::Bits a, typename F::Bits b) noexcept {
  bool truth;
  if constexpr (std::same_as<F, F32>) {
    asm volatile("ucomiss %1, %2" : "=@cca"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  } else {
    asm volatile("ucomisd %1, %2" : "=@cca"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  }
  return truth;
}

template <class F>
bool less_equal_quiet(typename F::Bits a, typename F::Bits b) noexcept {
  bool truth;
  if constexpr (std::same_as<F, F32>) {
    asm volatile("ucomiss %1, %2" : "=@ccae"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  } else {
    asm volatile("ucomisd %1, %2" : "=@ccae"(truth) : "x"(native<F>(a)), "x"(native<F>(b)));
  }
  return truth;
}

namespace detail {

inline __m128 vector(float value) noexcept { return _mm_set_ss(value); }
inline __m128d vector(double value) noexcept { return _mm_set_sd(value); }
inline void truncate(__m128 a, int32_t& to) noexcept { to = _mm_cvttss_si32(a); }
inline void truncate(__m128 a, int64_t& to) noexcept { to = _mm_cvttss_si64(a); }
inline void truncate(__m128d a, int32_t& to) noexcept { to = _mm_cvttsd_si32(a); }
inline void truncate(__m128d a, int64_t& to) noexcept { to = _mm_cvttsd_si64(a); }
inline void to_int(__m128 a, int32_t& to) noexcept { to = _mm_cvtss_si32(a); }
inline void to_int(__m128 a, int64_t& to) noexcept { to = _mm_cvtss_si64(a); }
inline void to_int(__m128d a, int32_t& to) noexcept { to = _mm_cvtsd_si32(a); }
inline void to_int(__m128d a, int64_t& to) noexcept { to = _mm_cvtsd_si64(a); }

}  // namespace detail

template <class Int, class F>
Int to_int(typename F::Bits a) noexcept {
  Int value;
  detail::to_int(detail::vector(operand<F>(a)), value);
  pin(value);
  return value;
}

template <class Int, class F>
Int truncate(typename F::Bits a) noexcept {
  Int value;
  detail::truncate(detail::vector(operand<F>(a)), value);
  pin(value);
  return value;
}

template <class F, class Int>
typename F::Bits from_int(Int value) noexcept {
  pin(value);
  auto converted = static_cast<Native<F>>(value);
  pin(converted);
  return std::bit_cast<typename F::Bits>(converted);
}

template <class To, class From>
typename To::Bits convert(typename From::Bits a) noexcept {
  return result<To>(static_cast<Native<To>>(operand<From>(a)));
}

#else

inline bool has_fma() noexcept { return false; }

#endif

}  // namespace emu::fp::host
