#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <ostream>
#include <random>
#include <type_traits>

#include "emu/fp/env.h"
#include "emu/fp/format.h"

/// What the tests of emu/fp share: running an operation as guest code, and operands that reach the corners.
namespace emu::fp::test {

inline constexpr uint8_t kNone = 0;
inline constexpr uint8_t NX = flag::kInexact;
inline constexpr uint8_t UF = flag::kUnderflow;
inline constexpr uint8_t OF = flag::kOverflow;
inline constexpr uint8_t DZ = flag::kDivideByZero;
inline constexpr uint8_t NV = flag::kInvalid;

inline constexpr std::array kAllRoundings = {Rounding::nearest_even, Rounding::to_zero, Rounding::down, Rounding::up,
                                             Rounding::nearest_away};
inline constexpr std::array kHostRoundings = {Rounding::nearest_even, Rounding::to_zero, Rounding::down, Rounding::up};

constexpr uint64_t d(double value) { return std::bit_cast<uint64_t>(value); }
constexpr uint32_t f(float value) { return std::bit_cast<uint32_t>(value); }

template <class T>
struct Result {
  T value;
  uint8_t flags;
  bool operator==(const Result&) const = default;
};

template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  *out << std::hex << "0x" << +result.value << " flags 0x" << +result.flags;
}

/// Runs `operation(env, rounding)` as guest code with frm = `rounding`.
template <class Operation>
auto run(Rounding rounding, Operation operation) {
  Env env{.frm = static_cast<uint8_t>(rounding)};
  const HostFp host(env);
  const auto value = operation(env, rounding);
  return Result<std::remove_const_t<decltype(value)>>{value, read_flags(env)};
}

/// Runs `operation(env, rounding)` without the host's FPU, which stays in its own mode.
template <class Operation>
auto run_soft(Rounding rounding, Operation operation) {
  Env env{.frm = static_cast<uint8_t>(rounding)};
  const auto value = operation(env, rounding);
  return Result<std::remove_const_t<decltype(value)>>{value, env.flags};
}

/// Values of format F: zeros, infinities, NaNs, subnormals, neighbours of powers of two and of each other's sums and
/// products, and arbitrary bits. The same sequence on every run.
template <class F>
class Operands {
 public:
  using Bits = typename F::Bits;

  explicit Operands(uint64_t seed) : random_(seed) {}

  Bits next() {
    const uint64_t raw = random_();
    const auto any = static_cast<Bits>(random_());
    const auto sign = static_cast<Bits>(raw & 1 ? F::kSign : 0);
    switch ((raw >> 1) % 8) {
      case 0:
        return special(raw >> 8);
      case 1:
        return any;
      case 2:
        return static_cast<Bits>(any & (F::kSign | F::kFraction));  // subnormal
      case 3:
        return static_cast<Bits>(sign | near_power(raw >> 8));
      case 4:
        return with_exponent(any, static_cast<int>((raw >> 8) % 8) - 4);
      case 5:
        return with_exponent(sparse(any, raw >> 8), static_cast<int>((raw >> 20) % 128) - 64);
      case 6:
        return with_exponent(any, 1 - F::kBias + static_cast<int>((raw >> 8) % 64));
      default:
        return with_exponent(any, static_cast<int>((raw >> 8) % 160) - 80);
    }
  }

 private:
  Bits special(uint64_t index) {
    constexpr std::array<Bits, 14> kSpecial = {0,
                                               1,
                                               F::kFraction,
                                               F::kMinNormal,
                                               F::kMinNormal + 1,
                                               F::kOne,
                                               F::kOne + 1,
                                               F::kOne - 1,
                                               F::kMaxFinite,
                                               F::kMaxFinite - 1,
                                               F::kInfinity,
                                               F::kInfinity + 1,
                                               F::kCanonicalNan,
                                               static_cast<Bits>(F::kCanonicalNan + 5)};
    return static_cast<Bits>(kSpecial[index % kSpecial.size()] | (index & 0x1000 ? F::kSign : 0));
  }
  Bits near_power(uint64_t raw) {
    const uint64_t exponent = 1 + raw % (F::kMaxBiasedExponent - 1);
    return static_cast<Bits>((exponent << F::kFractionBits) + (raw >> 20) % 5 - 2);
  }
  /// Few bits set, so that sums and products are exact or ties.
  Bits sparse(Bits any, uint64_t raw) {
    const auto shift = static_cast<int>(raw % static_cast<unsigned>(F::kFractionBits));
    return static_cast<Bits>((any & F::kSign) | ((any & F::kFraction) >> shift << shift));
  }
  Bits with_exponent(Bits any, int exponent) {
    const int biased = std::min(std::max(exponent + F::kBias, 0), F::kMaxBiasedExponent - 1);
    const auto kept = static_cast<Bits>(any & (F::kSign | F::kFraction));
    return static_cast<Bits>(kept | static_cast<Bits>(biased) << F::kFractionBits);
  }

  std::mt19937_64 random_;
};

}  // namespace emu::fp::test
