#pragma once

#include <bit>
#include <cstdint>

#include "emu/fp/env.h"
#include "emu/fp/format.h"

/// Floating-point arithmetic on integers: the same results and flags on every host, in every rounding direction.
namespace emu::fp::soft {

enum class Kind : uint8_t { zero, finite, infinity, quiet_nan, signalling_nan };

/// A value of any format, taken apart. Finite: significand / 2^63 * 2^exponent, the significand's bit 63 is set. In a
/// result that is still to be rounded, bit 0 is sticky: it stands for everything below it. Every format has at least
/// ten bits to spare between its own last bit and that one (from_int, exact, uses them all).
struct Number {
  uint64_t significand = 0;
  int32_t exponent = 0;
  Kind kind = Kind::zero;
  bool sign = false;

  bool is_nan() const noexcept { return kind >= Kind::quiet_nan; }
};

inline void raise(Env& env, unsigned flags) noexcept { env.flags = static_cast<uint8_t>(env.flags | flags); }

/// `value` >> `count`, with bit 0 set if a set bit was shifted out. `count` is at least 0.
template <class Integer>
constexpr Integer shift_right_sticky(Integer value, int count) noexcept {
  constexpr int kWidth = 8 * static_cast<int>(sizeof(Integer));
  if (count == 0) return value;
  if (count >= kWidth) return value != 0;
  return (value >> count) | static_cast<Integer>((value << (kWidth - count)) != 0);
}

/// Whether a magnitude is rounded away from zero: `odd` is its last kept bit, `rest` (not 0) what is dropped, `half`
/// what half a unit of the last kept bit would be.
constexpr bool rounds_up(Rounding rounding, bool sign, bool odd, uint64_t rest, uint64_t half) noexcept {
  switch (rounding) {
    case Rounding::nearest_even:
      return rest > half || (rest == half && odd);
    case Rounding::to_zero:
      return false;
    case Rounding::down:
      return sign;
    case Rounding::up:
      return !sign;
    case Rounding::nearest_away:
      return rest >= half;
  }
  return false;
}

template <class F>
Number unpack(typename F::Bits bits) noexcept {
  constexpr int kFractionBits = F::kFractionBits;
  const bool sign = is_negative<F>(bits);
  const uint64_t fraction = bits & F::kFraction;
  const auto biased = static_cast<int>(magnitude<F>(bits) >> kFractionBits);
  if (biased == F::kMaxBiasedExponent) [[unlikely]] {
    if (fraction == 0) return {.kind = Kind::infinity, .sign = sign};
    return {.kind = (fraction & F::kQuiet) != 0 ? Kind::quiet_nan : Kind::signalling_nan, .sign = sign};
  }
  if (biased == 0) [[unlikely]] {
    if (fraction == 0) return {.kind = Kind::zero, .sign = sign};
    const int shift = std::countl_zero(fraction);
    return {fraction << shift, 1 - F::kBias + 63 - kFractionBits - shift, Kind::finite, sign};
  }
  return {uint64_t{1} << 63 | fraction << (63 - kFractionBits), biased - F::kBias, Kind::finite, sign};
}

/// IEEE 754-2019 §7.4: what a magnitude beyond the format's becomes.
template <class F>
typename F::Bits overflow(Env& env, Rounding rounding, bool sign) noexcept {
  raise(env, flag::kOverflow | flag::kInexact);
  const bool to_infinity = rounding == Rounding::nearest_even || rounding == Rounding::nearest_away ||
                           rounding == (sign ? Rounding::down : Rounding::up);
  return static_cast<typename F::Bits>((sign ? F::kSign : 0) | (to_infinity ? F::kInfinity : F::kMaxFinite));
}

/// Rounds a finite number to the format. Tininess is detected after rounding (IEEE 754-2019 §7.5 (a); RISC-V §20.4).
template <class F>
typename F::Bits round(Env& env, Rounding rounding, const Number& number) noexcept {
  constexpr int kDropped = 63 - F::kFractionBits;
  constexpr uint64_t kHalf = uint64_t{1} << (kDropped - 1);
  constexpr uint64_t kRest = (uint64_t{1} << kDropped) - 1;
  const bool sign = number.sign;
  uint64_t significand = number.significand;
  int biased = number.exponent + F::kBias;
  if (biased >= F::kMaxBiasedExponent) [[unlikely]]
    return overflow<F>(env, rounding, sign);
  bool tiny = false;
  if (biased <= 0) [[unlikely]] {
    // With an unbounded exponent, does rounding carry into the smallest normal number?
    const uint64_t rest = significand & kRest;
    const bool carries = biased == 0 && rest != 0 && (significand | kRest) == ~uint64_t{0} &&
                         rounds_up(rounding, sign, true, rest, kHalf);
    tiny = !carries;
    significand = shift_right_sticky(significand, 1 - biased);
    biased = 1;
  }
  const uint64_t rest = significand & kRest;
  // The leading bit adds one to the exponent field, and a subnormal lacks it. A carry out of the fraction does
  // likewise.
  uint64_t result = (static_cast<uint64_t>(biased - 1) << F::kFractionBits) + (significand >> kDropped);
  if (rest != 0) {
    raise(env, tiny ? flag::kUnderflow | flag::kInexact : flag::kInexact);
    result += rounds_up(rounding, sign, (result & 1) != 0, rest, kHalf);
    if (result == F::kInfinity) [[unlikely]]
      return overflow<F>(env, rounding, sign);
  }
  return static_cast<typename F::Bits>((sign ? F::kSign : 0) | result);
}

template <class F>
typename F::Bits pack(Env& env, Rounding rounding, const Number& number) noexcept {
  if (number.kind == Kind::finite) [[likely]]
    return round<F>(env, rounding, number);
  if (number.is_nan()) return F::kCanonicalNan;
  return static_cast<typename F::Bits>((number.sign ? F::kSign : 0) |
                                       (number.kind == Kind::infinity ? F::kInfinity : 0));
}

}  // namespace emu::fp::soft
