#include "emu/fp/soft/convert.h"

#include <bit>
#include <limits>
#include <type_traits>

#include "emu/fp/soft/number.h"

namespace emu::fp::soft {
namespace {

template <class Int>
Int saturate(Env& env, bool negative) noexcept {
  raise(env, flag::kInvalid);
  return negative ? std::numeric_limits<Int>::min() : std::numeric_limits<Int>::max();
}

/// A finite magnitude below 2^64, split at the binary point.
struct Split {
  uint64_t whole;
  uint64_t rest;  ///< in units of 2^-64, bit 0 sticky
};

Split split(const Number& number) noexcept {
  if (number.exponent < 0) return {0, shift_right_sticky(number.significand, -1 - number.exponent)};
  if (number.exponent == 63) return {number.significand, 0};
  return {number.significand >> (63 - number.exponent), number.significand << (number.exponent + 1)};
}

template <class Int>
Int integer(Env& env, Rounding rounding, const Number& number) noexcept {
  if (number.kind == Kind::zero) return 0;
  if (number.is_nan()) return saturate<Int>(env, false);
  if (number.kind == Kind::infinity || number.exponent > 63) return saturate<Int>(env, number.sign);
  auto [whole, rest] = split(number);
  if (rest != 0) whole += rounds_up(rounding, number.sign, (whole & 1) != 0, rest, uint64_t{1} << 63);
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<Int>::max());
  constexpr uint64_t kMinMagnitude = std::is_signed_v<Int> ? kMax + 1 : 0;
  if (whole > (number.sign ? kMinMagnitude : kMax)) return saturate<Int>(env, number.sign);
  if (rest != 0) raise(env, flag::kInexact);
  return static_cast<Int>(number.sign ? 0 - whole : whole);
}

}  // namespace

template <class Int, class F>
Int to_int(Env& env, Rounding rounding, typename F::Bits a) noexcept {
  return integer<Int>(env, rounding, unpack<F>(a));
}

template <class F, class Int>
typename F::Bits from_int(Env& env, Rounding rounding, Int value) noexcept {
  if (value == 0) return 0;
  const bool sign = value < 0;
  const auto wide = static_cast<uint64_t>(value);
  const uint64_t magnitude = sign ? 0 - wide : wide;
  const int shift = std::countl_zero(magnitude);
  return round<F>(env, rounding, {magnitude << shift, 63 - shift, Kind::finite, sign});
}

template <class To, class From>
typename To::Bits convert(Env& env, Rounding rounding, typename From::Bits a) noexcept {
  const Number number = unpack<From>(a);
  if (number.kind == Kind::signalling_nan) raise(env, flag::kInvalid);
  return pack<To>(env, rounding, number);
}

template <class F>
typename F::Bits round_to_integral(Env& env, Rounding rounding, typename F::Bits a, bool signal_inexact) noexcept {
  const uint64_t absolute = magnitude<F>(a);
  if (absolute > F::kInfinity) {
    if (is_signalling_nan<F>(a)) raise(env, flag::kInvalid);
    return F::kCanonicalNan;
  }
  const int exponent = static_cast<int>(absolute >> F::kFractionBits) - F::kBias;
  if (absolute == 0 || exponent >= F::kFractionBits) return a;
  if (signal_inexact && (exponent < 0 || (absolute << (64 - F::kFractionBits + exponent)) != 0))
    raise(env, flag::kInexact);
  const bool sign = is_negative<F>(a);
  if (exponent < 0) {
    constexpr uint64_t kHalf = F::kOne - F::kMinNormal;
    const bool up = rounds_up(rounding, sign, false, absolute, kHalf);
    return static_cast<typename F::Bits>((sign ? F::kSign : 0) | (up ? F::kOne : 0));
  }
  // Every bias is odd: for values in [1, 2) the exponent field's last bit is 1, as the significand's leading bit would
  // be.
  const int dropped = F::kFractionBits - exponent;
  const uint64_t unit = uint64_t{1} << dropped;
  const uint64_t rest = absolute & (unit - 1);
  uint64_t result = a - rest;
  if (rest != 0 && rounds_up(rounding, sign, (result & unit) != 0, rest, unit >> 1)) result += unit;
  return static_cast<typename F::Bits>(result);
}

int32_t to_int32_modular(Env& env, uint64_t a) noexcept {
  const Number number = unpack<F64>(a);
  integer<int32_t>(env, Rounding::to_zero, number);
  if (number.kind != Kind::finite || number.exponent < 0 || number.exponent > 63 + 31) return 0;
  const uint64_t whole = number.exponent <= 63 ? number.significand >> (63 - number.exponent)
                                               : number.significand << (number.exponent - 63);
  return static_cast<int32_t>(static_cast<uint32_t>(number.sign ? 0 - whole : whole));
}

template int32_t to_int<int32_t, F16>(Env&, Rounding, uint16_t) noexcept;
template int32_t to_int<int32_t, F32>(Env&, Rounding, uint32_t) noexcept;
template int32_t to_int<int32_t, F64>(Env&, Rounding, uint64_t) noexcept;
template uint32_t to_int<uint32_t, F16>(Env&, Rounding, uint16_t) noexcept;
template uint32_t to_int<uint32_t, F32>(Env&, Rounding, uint32_t) noexcept;
template uint32_t to_int<uint32_t, F64>(Env&, Rounding, uint64_t) noexcept;
template int64_t to_int<int64_t, F16>(Env&, Rounding, uint16_t) noexcept;
template int64_t to_int<int64_t, F32>(Env&, Rounding, uint32_t) noexcept;
template int64_t to_int<int64_t, F64>(Env&, Rounding, uint64_t) noexcept;
template uint64_t to_int<uint64_t, F16>(Env&, Rounding, uint16_t) noexcept;
template uint64_t to_int<uint64_t, F32>(Env&, Rounding, uint32_t) noexcept;
template uint64_t to_int<uint64_t, F64>(Env&, Rounding, uint64_t) noexcept;

template uint16_t from_int<F16, int32_t>(Env&, Rounding, int32_t) noexcept;
template uint16_t from_int<F16, uint32_t>(Env&, Rounding, uint32_t) noexcept;
template uint16_t from_int<F16, int64_t>(Env&, Rounding, int64_t) noexcept;
template uint16_t from_int<F16, uint64_t>(Env&, Rounding, uint64_t) noexcept;
template uint32_t from_int<F32, int32_t>(Env&, Rounding, int32_t) noexcept;
template uint32_t from_int<F32, uint32_t>(Env&, Rounding, uint32_t) noexcept;
template uint32_t from_int<F32, int64_t>(Env&, Rounding, int64_t) noexcept;
template uint32_t from_int<F32, uint64_t>(Env&, Rounding, uint64_t) noexcept;
template uint64_t from_int<F64, int32_t>(Env&, Rounding, int32_t) noexcept;
template uint64_t from_int<F64, uint32_t>(Env&, Rounding, uint32_t) noexcept;
template uint64_t from_int<F64, int64_t>(Env&, Rounding, int64_t) noexcept;
template uint64_t from_int<F64, uint64_t>(Env&, Rounding, uint64_t) noexcept;

template uint16_t convert<F16, F32>(Env&, Rounding, uint32_t) noexcept;
template uint16_t convert<F16, F64>(Env&, Rounding, uint64_t) noexcept;
template uint32_t convert<F32, F16>(Env&, Rounding, uint16_t) noexcept;
template uint32_t convert<F32, F64>(Env&, Rounding, uint64_t) noexcept;
template uint64_t convert<F64, F16>(Env&, Rounding, uint16_t) noexcept;
template uint64_t convert<F64, F32>(Env&, Rounding, uint32_t) noexcept;

template uint16_t round_to_integral<F16>(Env&, Rounding, uint16_t, bool) noexcept;
template uint32_t round_to_integral<F32>(Env&, Rounding, uint32_t, bool) noexcept;
template uint64_t round_to_integral<F64>(Env&, Rounding, uint64_t, bool) noexcept;

}  // namespace emu::fp::soft
