#include "emu/fp/soft/arithmetic.h"

#include <bit>
#include <utility>

#include "emu/fp/soft/number.h"

namespace emu::fp::soft {
namespace {

using Uint128 = unsigned __int128;

/// A finite number in twice the width: significand / 2^127 * 2^exponent, bit 127 is set.
struct Wide {
  Uint128 significand;
  int exponent;
  bool sign;
};

Number invalid(Env& env) noexcept {
  raise(env, flag::kInvalid);
  return {.kind = Kind::quiet_nan};
}

/// The result when one operand at least is a NaN.
Number nan_result(Env& env, bool any_signalling) noexcept {
  if (any_signalling) raise(env, flag::kInvalid);
  return {.kind = Kind::quiet_nan};
}

bool is_signalling(const Number& number) noexcept { return number.kind == Kind::signalling_nan; }

Number infinity(bool sign) noexcept { return {.kind = Kind::infinity, .sign = sign}; }
Number zero(bool sign) noexcept { return {.kind = Kind::zero, .sign = sign}; }

/// IEEE 754-2019 §6.3: the sign of an exact sum of zero.
Number zero_sum(Rounding rounding) noexcept { return zero(rounding == Rounding::down); }

Wide widen(const Number& number) noexcept { return {Uint128{number.significand} << 64, number.exponent, number.sign}; }

/// To 64 bits, the lowest sticky. `value` is not 0.
Number narrow(Uint128 value, int exponent, bool sign) noexcept {
  auto high = static_cast<uint64_t>(value >> 64);
  const int shift = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(value));
  value <<= shift;
  high = static_cast<uint64_t>(value >> 64);
  return {high | (static_cast<uint64_t>(value) != 0), exponent - shift, Kind::finite, sign};
}

Wide product(const Number& a, const Number& b) noexcept {
  const Uint128 value = Uint128{a.significand} * b.significand;
  const int shift = (value >> 127) != 0 ? 0 : 1;
  return {value << shift, a.exponent + b.exponent + 1 - shift, a.sign != b.sign};
}

/// The low 22 bits of both significands at least are 0 (two factors of 53 bits), which leaves room for the sticky bit:
/// when bits are lost, the exponents differ by more than one, and the difference loses one leading bit at most.
Number sum(Rounding rounding, Wide a, Wide b) noexcept {
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) std::swap(a, b);
  const int distance = a.exponent - b.exponent;
  if (a.sign == b.sign) {
    const Uint128 total = (a.significand >> 1) + shift_right_sticky(b.significand, distance + 1);
    return narrow(total, a.exponent + 1, a.sign);
  }
  const Uint128 difference = a.significand - shift_right_sticky(b.significand, distance);
  if (difference == 0) return zero_sum(rounding);
  return narrow(difference, a.exponent, a.sign);
}

/// Neither is a NaN, and not both are finite.
Number special_sum(Env& env, Rounding rounding, const Number& a, const Number& b) noexcept {
  if (a.kind == Kind::infinity) return b.kind == Kind::infinity && a.sign != b.sign ? invalid(env) : a;
  if (b.kind == Kind::infinity) return b;
  if (a.kind == Kind::finite) return a;
  if (b.kind == Kind::finite) return b;
  return a.sign == b.sign ? a : zero_sum(rounding);
}

Number add(Env& env, Rounding rounding, const Number& a, const Number& b) noexcept {
  if (a.kind == Kind::finite && b.kind == Kind::finite) [[likely]]
    return sum(rounding, widen(a), widen(b));
  if (a.is_nan() || b.is_nan()) return nan_result(env, is_signalling(a) || is_signalling(b));
  return special_sum(env, rounding, a, b);
}

/// Neither is a NaN, and not both are finite.
Number special_product(Env& env, const Number& a, const Number& b) noexcept {
  const bool sign = a.sign != b.sign;
  const bool any_zero = a.kind == Kind::zero || b.kind == Kind::zero;
  if (a.kind != Kind::infinity && b.kind != Kind::infinity) return zero(sign);
  return any_zero ? invalid(env) : infinity(sign);
}

Number mul(Env& env, const Number& a, const Number& b) noexcept {
  if (a.kind == Kind::finite && b.kind == Kind::finite) [[likely]] {
    const Wide wide = product(a, b);
    return narrow(wide.significand, wide.exponent, wide.sign);
  }
  if (a.is_nan() || b.is_nan()) return nan_result(env, is_signalling(a) || is_signalling(b));
  return special_product(env, a, b);
}

Number div(Env& env, const Number& a, const Number& b) noexcept {
  const bool sign = a.sign != b.sign;
  if (a.kind == Kind::finite && b.kind == Kind::finite) [[likely]] {
    const Uint128 dividend = Uint128{a.significand} << 63;
    const auto quotient = static_cast<uint64_t>(dividend / b.significand);
    const bool rest = Uint128{quotient} * b.significand != dividend;
    const int shift = std::countl_zero(quotient);
    return {quotient << shift | (rest ? 1u : 0u), a.exponent - b.exponent - shift, Kind::finite, sign};
  }
  if (a.is_nan() || b.is_nan()) return nan_result(env, is_signalling(a) || is_signalling(b));
  if (a.kind == b.kind) return invalid(env);
  if (a.kind == Kind::infinity) return infinity(sign);
  if (a.kind == Kind::zero || b.kind == Kind::infinity) return zero(sign);
  raise(env, flag::kDivideByZero);
  return infinity(sign);
}

/// The square root of `value` (2^62 at least), rounded down.
uint64_t square_root(uint64_t value) noexcept {
  uint64_t root = 0;
  uint64_t rest = value;
  for (uint64_t bit = uint64_t{1} << 62; bit != 0; bit >>= 2) {
    const uint64_t trial = root + bit;
    root >>= 1;
    if (rest >= trial) {
      rest -= trial;
      root += bit;
    }
  }
  return root;
}

/// The square root of `value` (2^126 at least), bit 0 sticky. The upper half of the root comes from the upper half of
/// the value, the lower half from one division (P. Zimmermann, "Karatsuba Square Root", INRIA RR-3805, 1999).
uint64_t square_root_sticky(Uint128 value) noexcept {
  const auto high = static_cast<uint64_t>(value >> 64);
  const auto low = static_cast<uint64_t>(value);
  const uint64_t upper = square_root(high);
  const Uint128 dividend = (Uint128{high - upper * upper} << 32) | (low >> 32);
  const auto lower = dividend / (2 * upper);
  Uint128 root = (Uint128{upper} << 32) + lower;
  if (root * root > value || (root >> 64) != 0) root -= 1;
  return static_cast<uint64_t>(root) | (root * root != value ? 1u : 0u);
}

Number sqrt(Env& env, const Number& a) noexcept {
  if (a.is_nan()) return nan_result(env, is_signalling(a));
  if (a.kind == Kind::zero) return a;
  if (a.sign) return invalid(env);
  if (a.kind == Kind::infinity) return a;
  const Uint128 value = Uint128{a.significand} << (63 + (a.exponent & 1));
  return {square_root_sticky(value), a.exponent >> 1, Kind::finite, false};
}

Number fma(Env& env, Rounding rounding, const Number& a, const Number& b, const Number& c) noexcept {
  if (a.kind == Kind::finite && b.kind == Kind::finite) [[likely]] {
    const Wide wide = product(a, b);
    if (c.kind == Kind::finite) [[likely]]
      return sum(rounding, wide, widen(c));
    if (c.is_nan()) return nan_result(env, is_signalling(c));
    return special_sum(env, rounding, narrow(wide.significand, wide.exponent, wide.sign), c);
  }
  if (a.is_nan() || b.is_nan()) return nan_result(env, is_signalling(a) || is_signalling(b) || is_signalling(c));
  // RISC-V Unprivileged §20.6: infinity times zero is invalid even if the addend is a quiet NaN.
  const Number factor = special_product(env, a, b);
  if (factor.is_nan() || c.is_nan()) return nan_result(env, is_signalling(c));
  return special_sum(env, rounding, factor, c);
}

}  // namespace

template <class F>
typename F::Bits add(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  return pack<F>(env, rounding, add(env, rounding, unpack<F>(a), unpack<F>(b)));
}

template <class F>
typename F::Bits sub(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  return add<F>(env, rounding, a, static_cast<typename F::Bits>(b ^ F::kSign));
}

template <class F>
typename F::Bits mul(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  return pack<F>(env, rounding, mul(env, unpack<F>(a), unpack<F>(b)));
}

template <class F>
typename F::Bits div(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b) noexcept {
  return pack<F>(env, rounding, div(env, unpack<F>(a), unpack<F>(b)));
}

template <class F>
typename F::Bits sqrt(Env& env, Rounding rounding, typename F::Bits a) noexcept {
  return pack<F>(env, rounding, sqrt(env, unpack<F>(a)));
}

template <class F>
typename F::Bits fma(Env& env, Rounding rounding, typename F::Bits a, typename F::Bits b, typename F::Bits c) noexcept {
  return pack<F>(env, rounding, fma(env, rounding, unpack<F>(a), unpack<F>(b), unpack<F>(c)));
}

template uint16_t add<F16>(Env&, Rounding, uint16_t, uint16_t) noexcept;
template uint32_t add<F32>(Env&, Rounding, uint32_t, uint32_t) noexcept;
template uint64_t add<F64>(Env&, Rounding, uint64_t, uint64_t) noexcept;
template uint16_t sub<F16>(Env&, Rounding, uint16_t, uint16_t) noexcept;
template uint32_t sub<F32>(Env&, Rounding, uint32_t, uint32_t) noexcept;
template uint64_t sub<F64>(Env&, Rounding, uint64_t, uint64_t) noexcept;
template uint16_t mul<F16>(Env&, Rounding, uint16_t, uint16_t) noexcept;
template uint32_t mul<F32>(Env&, Rounding, uint32_t, uint32_t) noexcept;
template uint64_t mul<F64>(Env&, Rounding, uint64_t, uint64_t) noexcept;
template uint16_t div<F16>(Env&, Rounding, uint16_t, uint16_t) noexcept;
template uint32_t div<F32>(Env&, Rounding, uint32_t, uint32_t) noexcept;
template uint64_t div<F64>(Env&, Rounding, uint64_t, uint64_t) noexcept;
template uint16_t sqrt<F16>(Env&, Rounding, uint16_t) noexcept;
template uint32_t sqrt<F32>(Env&, Rounding, uint32_t) noexcept;
template uint64_t sqrt<F64>(Env&, Rounding, uint64_t) noexcept;
template uint16_t fma<F16>(Env&, Rounding, uint16_t, uint16_t, uint16_t) noexcept;
template uint32_t fma<F32>(Env&, Rounding, uint32_t, uint32_t, uint32_t) noexcept;
template uint64_t fma<F64>(Env&, Rounding, uint64_t, uint64_t, uint64_t) noexcept;

}  // namespace emu::fp::soft
