#pragma once

#include <cstdint>

#include "emu/fp/env.h"
#include "emu/fp/format.h"
#include "emu/fp/soft/number.h"

/// Comparisons, minimum and maximum, classes: exact operations whose one possible flag is invalid.
namespace emu::fp::soft {

/// Orders all values but NaNs as signed integers, -0 below +0.
template <class F>
constexpr int64_t order(typename F::Bits value) noexcept {
  const auto absolute = static_cast<int64_t>(magnitude<F>(value));
  return is_negative<F>(value) ? -1 - absolute : absolute;
}

template <class F>
void check_signalling(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  if (is_signalling_nan<F>(a) || is_signalling_nan<F>(b)) raise(env, flag::kInvalid);
}

/// IEEE 754-2019 §9.6 minimumNumber and maximumNumber: a NaN loses against a number.
template <class F>
typename F::Bits pick_number(Env& env, typename F::Bits a, typename F::Bits b, bool smaller) noexcept {
  if (is_nan<F>(a) || is_nan<F>(b)) [[unlikely]] {
    check_signalling<F>(env, a, b);
    if (!is_nan<F>(a)) return a;
    return is_nan<F>(b) ? F::kCanonicalNan : b;
  }
  return (order<F>(a) < order<F>(b)) == smaller ? a : b;
}

/// IEEE 754-2019 §9.6 minimum and maximum: a NaN wins.
template <class F>
typename F::Bits pick(Env& env, typename F::Bits a, typename F::Bits b, bool smaller) noexcept {
  if (is_nan<F>(a) || is_nan<F>(b)) [[unlikely]] {
    check_signalling<F>(env, a, b);
    return F::kCanonicalNan;
  }
  return (order<F>(a) < order<F>(b)) == smaller ? a : b;
}

/// False, after the flags, if an operand is a NaN. IEEE 754-2019 §5.11: the signalling predicates raise invalid for any
/// NaN.
template <class F>
bool ordered(Env& env, typename F::Bits a, typename F::Bits b, bool signalling) noexcept {
  if (!is_nan<F>(a) && !is_nan<F>(b)) [[likely]]
    return true;
  if (signalling) raise(env, flag::kInvalid);
  check_signalling<F>(env, a, b);
  return false;
}

template <class F>
bool both_zero(typename F::Bits a, typename F::Bits b) noexcept {
  return magnitude<F>(static_cast<typename F::Bits>(a | b)) == 0;
}

template <class F>
bool equal(Env& env, typename F::Bits a, typename F::Bits b) noexcept {
  return ordered<F>(env, a, b, false) && (a == b || both_zero<F>(a, b));
}

template <class F>
bool less(Env& env, typename F::Bits a, typename F::Bits b, bool signalling) noexcept {
  return ordered<F>(env, a, b, signalling) && order<F>(a) < order<F>(b) && !both_zero<F>(a, b);
}

template <class F>
bool less_equal(Env& env, typename F::Bits a, typename F::Bits b, bool signalling) noexcept {
  return ordered<F>(env, a, b, signalling) && (order<F>(a) <= order<F>(b) || both_zero<F>(a, b));
}

/// The class as a mask of one bit: RISC-V Unprivileged §20.9, table "Format of result of FCLASS".
template <class F>
uint32_t classify(typename F::Bits value) noexcept {
  if (is_nan<F>(value)) return is_signalling_nan<F>(value) ? 1u << 8 : 1u << 9;
  const typename F::Bits absolute = magnitude<F>(value);
  const unsigned kind = absolute == F::kInfinity ? 3 : absolute >= F::kMinNormal ? 2 : absolute != 0 ? 1 : 0;
  return 1u << (is_negative<F>(value) ? 3 - kind : 4 + kind);
}

}  // namespace emu::fp::soft
