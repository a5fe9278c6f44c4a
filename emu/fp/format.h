#pragma once

#include <cstdint>

namespace emu::fp {

/// An IEEE 754-2019 §3.4 binary interchange format, `BitsType` wide with `exponent_bits` of exponent.
template <class BitsType, int exponent_bits>
struct Format {
  using Bits = BitsType;

  static constexpr int kWidth = 8 * static_cast<int>(sizeof(Bits));
  static constexpr int kExponentBits = exponent_bits;
  static constexpr int kFractionBits = kWidth - 1 - exponent_bits;
  static constexpr int kBias = (1 << (exponent_bits - 1)) - 1;
  static constexpr int kMaxBiasedExponent = (1 << exponent_bits) - 1;  ///< of infinities and NaNs

  static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (kWidth - 1));
  static constexpr Bits kFraction = static_cast<Bits>((Bits{1} << kFractionBits) - 1);
  static constexpr Bits kQuiet = static_cast<Bits>(Bits{1} << (kFractionBits - 1));
  static constexpr Bits kInfinity = static_cast<Bits>(Bits{kMaxBiasedExponent} << kFractionBits);
  static constexpr Bits kMaxFinite = static_cast<Bits>(kInfinity - 1);
  static constexpr Bits kMinNormal = static_cast<Bits>(Bits{1} << kFractionBits);
  static constexpr Bits kOne = static_cast<Bits>(Bits{kBias} << kFractionBits);
  /// The NaN that every operation yields: RISC-V Unprivileged §20.3; also Arm's default NaN.
  static constexpr Bits kCanonicalNan = static_cast<Bits>(kInfinity | kQuiet);
};

struct F16 : Format<uint16_t, 5> {};
struct F32 : Format<uint32_t, 8> {};
struct F64 : Format<uint64_t, 11> {};

template <class F>
constexpr bool is_negative(typename F::Bits value) noexcept {
  return (value & F::kSign) != 0;
}

/// `value` without its sign.
template <class F>
constexpr typename F::Bits magnitude(typename F::Bits value) noexcept {
  return static_cast<typename F::Bits>(value & static_cast<typename F::Bits>(~F::kSign));
}

template <class F>
constexpr bool is_nan(typename F::Bits value) noexcept {
  return magnitude<F>(value) > F::kInfinity;
}

template <class F>
constexpr bool is_signalling_nan(typename F::Bits value) noexcept {
  return is_nan<F>(value) && (value & F::kQuiet) == 0;
}

}  // namespace emu::fp
