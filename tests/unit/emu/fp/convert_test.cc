#include <cmath>
#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

namespace emu::fp {
namespace {

using namespace test;
using enum Rounding;

constexpr auto kMax32 = std::numeric_limits<int32_t>::max();
constexpr auto kMin32 = std::numeric_limits<int32_t>::min();
constexpr auto kMax64 = std::numeric_limits<int64_t>::max();
constexpr auto kMin64 = std::numeric_limits<int64_t>::min();
constexpr auto kMaxU32 = std::numeric_limits<uint32_t>::max();
constexpr auto kMaxU64 = std::numeric_limits<uint64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint64_t kNegativeNan = 0xfff8'0000'0000'0001;
constexpr uint64_t kSignallingNan = 0x7ff0'0000'0000'0001;

template <class Int>
Result<Int> to(Rounding rounding, uint64_t bits) {
  return run(rounding, [=](Env& env, Rounding r) { return to_int<Int, F64>(env, r, bits); });
}
template <class Int>
Result<Int> to(Rounding rounding, double value) {
  return to<Int>(rounding, d(value));
}

TEST(FpToInt, RoundsInEveryDirection) {
  EXPECT_EQ(to<int32_t>(nearest_even, 2.5), (Result<int32_t>{2, NX}));
  EXPECT_EQ(to<int32_t>(nearest_away, 2.5), (Result<int32_t>{3, NX}));
  EXPECT_EQ(to<int32_t>(nearest_away, -2.5), (Result<int32_t>{-3, NX}));
  EXPECT_EQ(to<int32_t>(to_zero, -2.9), (Result<int32_t>{-2, NX}));
  EXPECT_EQ(to<int32_t>(down, -2.1), (Result<int32_t>{-3, NX}));
  EXPECT_EQ(to<int32_t>(up, 0x1p-1074), (Result<int32_t>{1, NX}));
  EXPECT_EQ(to<int64_t>(nearest_even, -7.0), (Result<int64_t>{-7, kNone}));
}

TEST(FpToInt, SaturatesAndIsInvalidButNotInexact) {
  EXPECT_EQ(to<int32_t>(to_zero, 2147483648.5), (Result<int32_t>{kMax32, NV}));
  EXPECT_EQ(to<int32_t>(to_zero, -2147483649.5), (Result<int32_t>{kMin32, NV}));
  EXPECT_EQ(to<uint32_t>(to_zero, 4294967296.5), (Result<uint32_t>{kMaxU32, NV}));
  EXPECT_EQ(to<uint32_t>(to_zero, -1.5), (Result<uint32_t>{0, NV}));
  EXPECT_EQ(to<int64_t>(to_zero, 0x1p63), (Result<int64_t>{kMax64, NV}));
  EXPECT_EQ(to<int64_t>(to_zero, -1e300), (Result<int64_t>{kMin64, NV}));
  EXPECT_EQ(to<uint64_t>(to_zero, 0x1p64), (Result<uint64_t>{kMaxU64, NV}));
  EXPECT_EQ(to<uint64_t>(to_zero, -kInfinity), (Result<uint64_t>{0, NV}));
}

TEST(FpToInt, RoundsBeforeItDecidesWhatFits) {
  EXPECT_EQ(to<int32_t>(nearest_even, 2147483647.5), (Result<int32_t>{kMax32, NV}));
  EXPECT_EQ(to<int32_t>(down, 2147483647.5), (Result<int32_t>{kMax32, NX}));
  EXPECT_EQ(to<int32_t>(to_zero, -2147483648.5), (Result<int32_t>{kMin32, NX}));
  EXPECT_EQ(to<uint32_t>(up, 4294967295.5), (Result<uint32_t>{kMaxU32, NV}));
  EXPECT_EQ(to<uint32_t>(to_zero, 4294967295.5), (Result<uint32_t>{kMaxU32, NX}));
  EXPECT_EQ(to<uint32_t>(to_zero, -0.9), (Result<uint32_t>{0, NX}));
  EXPECT_EQ(to<uint32_t>(down, -0.1), (Result<uint32_t>{0, NV}));
  EXPECT_EQ(to<uint64_t>(nearest_even, -0.5), (Result<uint64_t>{0, NX}));
}

TEST(FpToInt, TheSmallestIntegerIsAnOrdinaryResult) {
  EXPECT_EQ(to<int32_t>(nearest_even, -2147483648.0), (Result<int32_t>{kMin32, kNone}));
  EXPECT_EQ(to<int64_t>(to_zero, -0x1p63), (Result<int64_t>{kMin64, kNone}));
  EXPECT_EQ(to<uint64_t>(to_zero, 0x1.8p63), (Result<uint64_t>{0xc000'0000'0000'0000, kNone}));
}

TEST(FpToInt, ANanIsTheLargestWhateverItsSign) {
  EXPECT_EQ(to<int32_t>(to_zero, kNegativeNan), (Result<int32_t>{kMax32, NV}));
  EXPECT_EQ(to<uint32_t>(to_zero, kNegativeNan), (Result<uint32_t>{kMaxU32, NV}));
  EXPECT_EQ(to<int64_t>(up, kSignallingNan), (Result<int64_t>{kMax64, NV}));
  EXPECT_EQ(to<uint64_t>(up, kNegativeNan), (Result<uint64_t>{kMaxU64, NV}));
}

TEST(FpFromInt, RoundsWhatTheFractionCannotHold) {
  const auto single = [](Rounding rounding, int64_t value) {
    return run(rounding, [=](Env& env, Rounding r) { return from_int<F32>(env, r, value); });
  };
  EXPECT_EQ(single(nearest_even, 16777217), (Result<uint32_t>{f(16777216), NX}));
  EXPECT_EQ(single(nearest_away, 16777217), (Result<uint32_t>{f(16777218), NX}));
  EXPECT_EQ(single(down, -16777217), (Result<uint32_t>{f(-16777218), NX}));
  EXPECT_EQ(single(to_zero, kMin64), (Result<uint32_t>{f(-0x1p63f), kNone}));
  EXPECT_EQ(single(down, 0), (Result<uint32_t>{0, kNone}));
}

TEST(FpFromInt, UnsignedReachesTheTopBit) {
  const auto wide = [](Rounding rounding, uint64_t value) {
    return run(rounding, [=](Env& env, Rounding r) { return from_int<F64>(env, r, value); });
  };
  EXPECT_EQ(wide(nearest_even, kMaxU64), (Result<uint64_t>{d(0x1p64), NX}));
  EXPECT_EQ(wide(to_zero, kMaxU64), (Result<uint64_t>{d(0x1.fffffffffffffp63), NX}));
  EXPECT_EQ(wide(nearest_away, uint64_t{1} << 63), (Result<uint64_t>{d(0x1p63), kNone}));
}

TEST(FpFromInt, AHalfOverflows) {
  const auto half = run(nearest_even, [](Env& env, Rounding r) { return from_int<F16>(env, r, int32_t{-65520}); });
  EXPECT_EQ(half, (Result<uint16_t>{0xfc00, OF | NX}));
}

TEST(FpConvert, MakesNansCanonical) {
  const auto widened = run(nearest_even, [](Env& env, Rounding r) { return convert<F64, F32>(env, r, 0xffc0'0001u); });
  const auto narrowed =
      run(nearest_even, [](Env& env, Rounding r) { return convert<F32, F64>(env, r, kSignallingNan); });
  EXPECT_EQ(widened, (Result<uint64_t>{F64::kCanonicalNan, kNone}));
  EXPECT_EQ(narrowed, (Result<uint32_t>{F32::kCanonicalNan, NV}));
}

TEST(FpConvert, NarrowsToSubnormalsAndInfinity) {
  const auto single = [](Rounding rounding, double value) {
    return run(rounding, [=](Env& env, Rounding r) { return convert<F32, F64>(env, r, d(value)); });
  };
  EXPECT_EQ(single(nearest_even, 0x1p-149), (Result<uint32_t>{1, kNone}));
  EXPECT_EQ(single(nearest_even, 0x1p-150), (Result<uint32_t>{0, UF | NX}));
  EXPECT_EQ(single(nearest_away, 0x1p-150), (Result<uint32_t>{1, UF | NX}));
  EXPECT_EQ(single(nearest_away, 1e300), (Result<uint32_t>{F32::kInfinity, OF | NX}));
}

Result<uint64_t> integral(Rounding rounding, double value, bool signal_inexact) {
  return run(rounding, [=](Env& env, Rounding r) { return round_to_integral<F64>(env, r, d(value), signal_inexact); });
}

TEST(FpRoundToIntegral, SignalsInexactOnlyWhenAsked) {
  EXPECT_EQ(integral(nearest_even, 2.5, false), (Result<uint64_t>{d(2), kNone}));
  EXPECT_EQ(integral(nearest_even, 2.5, true), (Result<uint64_t>{d(2), NX}));
  EXPECT_EQ(integral(nearest_even, 3, true), (Result<uint64_t>{d(3), kNone}));
}

TEST(FpRoundToIntegral, KeepsSignsAndCarries) {
  EXPECT_EQ(integral(nearest_even, 1.5, true), (Result<uint64_t>{d(2), NX}));
  EXPECT_EQ(integral(nearest_even, 0.5, true), (Result<uint64_t>{0, NX}));
  EXPECT_EQ(integral(nearest_away, -0.5, true), (Result<uint64_t>{d(-1), NX}));
  EXPECT_EQ(integral(up, -0.9, true), (Result<uint64_t>{d(-0.0), NX}));
  EXPECT_EQ(integral(up, 0x1.fffffffffffffp51, true), (Result<uint64_t>{d(0x1p52), NX}));
  EXPECT_EQ(integral(down, 0x1p-1074, true), (Result<uint64_t>{0, NX}));
  EXPECT_EQ(integral(down, -kInfinity, true), (Result<uint64_t>{d(-kInfinity), kNone}));
}

TEST(FpRoundToIntegral, AgreesWithTheIntegerConversion) {
  Operands<F64> operands(5);
  for (const Rounding rounding : kAllRoundings) {
    for (int i = 0; i < 20'000; ++i) {
      // Below 2^52: the integer goes back exactly.
      const uint64_t bits = operands.next() & 0xbfff'ffff'ffff'ffff;
      const double value = std::fmod(std::bit_cast<double>(bits), 0x1p52);
      const auto by_integer = run_soft(rounding, [=](Env& env, Rounding r) {
        const auto whole = soft::from_int<F64>(env, r, soft::to_int<int64_t, F64>(env, r, d(value)));
        return whole | (d(value) & F64::kSign);
      });
      ASSERT_EQ(integral(rounding, value, true), by_integer) << value;
    }
  }
}

TEST(FpToInt32Modular, WrapsWithTheFlagsOfTheSaturatingConversion) {
  const auto modular = [](double value) {
    return run(nearest_even, [=](Env& env, Rounding) { return to_int32_modular(env, d(value)); });
  };
  EXPECT_EQ(modular(-3.7), (Result<int32_t>{-3, NX}));
  EXPECT_EQ(modular(0x1p32 + 5.5), (Result<int32_t>{5, NV}));
  EXPECT_EQ(modular(-(0x1p33 + 5)), (Result<int32_t>{-5, NV}));
  EXPECT_EQ(modular(0x1p31), (Result<int32_t>{kMin32, NV}));
  EXPECT_EQ(modular(0x1.0000000000001p83), (Result<int32_t>{kMin32, NV}));
  EXPECT_EQ(modular(0x1.0000000000001p84), (Result<int32_t>{0, NV}));
  EXPECT_EQ(modular(kInfinity), (Result<int32_t>{0, NV}));
  EXPECT_EQ(modular(std::numeric_limits<double>::quiet_NaN()), (Result<int32_t>{0, NV}));
}

}  // namespace
}  // namespace emu::fp
