#pragma once

#include <array>
#include <cstdint>

#include "emu/fp/format.h"

namespace emu::fp {

/// The bits of (4 + quarters) / 4 * 2^exponent, positive. Subnormal where the format asks for it (`quarters` is 0
/// then); infinity where it is too large.
template <class F>
constexpr typename F::Bits small_constant(int exponent, unsigned quarters) noexcept {
  const int biased = exponent + F::kBias;
  if (biased >= F::kMaxBiasedExponent) return F::kInfinity;
  if (biased <= 0) return static_cast<typename F::Bits>(uint64_t{F::kMinNormal} >> (1 - biased));
  return static_cast<typename F::Bits>(static_cast<uint64_t>(biased) << F::kFractionBits |
                                       uint64_t{quarters} << (F::kFractionBits - 2));
}

/// What fli loads, by number: RISC-V Unprivileged, "Zfa", table of the immediates.
template <class F>
inline constexpr std::array<typename F::Bits, 32> kConstants = {
    static_cast<typename F::Bits>(F::kSign | F::kOne),
    F::kMinNormal,
    small_constant<F>(-16, 0),
    small_constant<F>(-15, 0),
    small_constant<F>(-8, 0),
    small_constant<F>(-7, 0),
    small_constant<F>(-4, 0),
    small_constant<F>(-3, 0),
    small_constant<F>(-2, 0),
    small_constant<F>(-2, 1),
    small_constant<F>(-2, 2),
    small_constant<F>(-2, 3),
    small_constant<F>(-1, 0),
    small_constant<F>(-1, 1),
    small_constant<F>(-1, 2),
    small_constant<F>(-1, 3),
    small_constant<F>(0, 0),
    small_constant<F>(0, 1),
    small_constant<F>(0, 2),
    small_constant<F>(0, 3),
    small_constant<F>(1, 0),
    small_constant<F>(1, 1),
    small_constant<F>(1, 2),
    small_constant<F>(2, 0),
    small_constant<F>(3, 0),
    small_constant<F>(4, 0),
    small_constant<F>(7, 0),
    small_constant<F>(8, 0),
    small_constant<F>(15, 0),
    small_constant<F>(16, 0),
    F::kInfinity,
    F::kCanonicalNan,
};

}  // namespace emu::fp
