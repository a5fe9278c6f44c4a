#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

namespace emu::fp {
namespace {

using namespace test;
using enum Rounding;

constexpr uint64_t kQuietNan = 0xfff8'0000'0000'1234;
constexpr uint64_t kSignallingNan = 0x7ff0'0000'0000'0001;
constexpr uint64_t kInfinity = F64::kInfinity;
constexpr uint64_t kMinusInfinity = F64::kInfinity | F64::kSign;
constexpr uint64_t kNan = F64::kCanonicalNan;
constexpr uint64_t kMinusZero = F64::kSign;

auto add64(Rounding r, uint64_t a, uint64_t b) {
  return run(r, [=](Env& env, Rounding mode) { return add<F64>(env, mode, a, b); });
}
auto sub64(Rounding r, uint64_t a, uint64_t b) {
  return run(r, [=](Env& env, Rounding mode) { return sub<F64>(env, mode, a, b); });
}
auto mul64(Rounding r, uint64_t a, uint64_t b) {
  return run(r, [=](Env& env, Rounding mode) { return mul<F64>(env, mode, a, b); });
}
auto div64(Rounding r, uint64_t a, uint64_t b) {
  return run(r, [=](Env& env, Rounding mode) { return div<F64>(env, mode, a, b); });
}
auto sqrt64(Rounding r, uint64_t a) {
  return run(r, [=](Env& env, Rounding mode) { return sqrt<F64>(env, mode, a); });
}
auto fma64(Rounding r, uint64_t a, uint64_t b, uint64_t c) {
  return run(r, [=](Env& env, Rounding mode) { return fma<F64>(env, mode, a, b, c); });
}

using R64 = Result<uint64_t>;

TEST(FpAdd, RoundsTheThirdOfOneTenthAndTwoTenths) {
  EXPECT_EQ(add64(nearest_even, d(0.1), d(0.2)), (R64{0x3fd3333333333334, NX}));
  EXPECT_EQ(add64(to_zero, d(0.1), d(0.2)), (R64{0x3fd3333333333333, NX}));
  EXPECT_EQ(add64(down, d(0.1), d(0.2)), (R64{0x3fd3333333333333, NX}));
  EXPECT_EQ(add64(up, d(0.1), d(0.2)), (R64{0x3fd3333333333334, NX}));
}

TEST(FpAdd, TiesGoToEvenOrAway) {
  const uint64_t half_unit = d(0x1p-53);
  EXPECT_EQ(add64(nearest_even, d(1), half_unit), (R64{d(1), NX}));
  EXPECT_EQ(add64(nearest_away, d(1), half_unit), (R64{d(0x1.0000000000001p0), NX}));
  EXPECT_EQ(add64(nearest_away, d(-1), d(-0x1p-53)), (R64{d(-0x1.0000000000001p0), NX}));
}

TEST(FpAdd, AnExactZeroIsPositiveUnlessRoundingDown) {
  EXPECT_EQ(sub64(nearest_even, d(1), d(1)), (R64{0, kNone}));
  EXPECT_EQ(sub64(down, d(1), d(1)), (R64{kMinusZero, kNone}));
  EXPECT_EQ(add64(down, 0, kMinusZero), (R64{kMinusZero, kNone}));
  EXPECT_EQ(add64(up, kMinusZero, kMinusZero), (R64{kMinusZero, kNone}));
}

TEST(FpAdd, OppositeInfinitiesAreInvalid) {
  EXPECT_EQ(add64(nearest_even, kInfinity, kMinusInfinity), (R64{kNan, NV}));
  EXPECT_EQ(sub64(nearest_even, kInfinity, kMinusInfinity), (R64{kInfinity, kNone}));
}

TEST(FpAdd, NansBecomeCanonicalAndOnlySignallingOnesAreInvalid) {
  EXPECT_EQ(add64(nearest_even, kQuietNan, d(1)), (R64{kNan, kNone}));
  EXPECT_EQ(add64(nearest_even, d(1), kSignallingNan), (R64{kNan, NV}));
  EXPECT_EQ(add64(nearest_even, kQuietNan, kSignallingNan), (R64{kNan, NV}));
}

TEST(FpAdd, OverflowsToInfinityOrTheLargestNumber) {
  const uint64_t max = F64::kMaxFinite;
  EXPECT_EQ(add64(nearest_even, max, max), (R64{kInfinity, OF | NX}));
  EXPECT_EQ(add64(to_zero, max, max), (R64{max, OF | NX}));
  EXPECT_EQ(add64(down, max, max), (R64{max, OF | NX}));
  EXPECT_EQ(add64(up, max, max), (R64{kInfinity, OF | NX}));
  EXPECT_EQ(add64(nearest_away, max, max), (R64{kInfinity, OF | NX}));
}

TEST(FpMul, TininessIsDetectedAfterRounding) {
  const uint64_t below_one = d(0x1.fffffffffffffp-1);
  EXPECT_EQ(mul64(nearest_even, F64::kMinNormal, below_one), (R64{F64::kMinNormal, UF | NX}))
      << "1 - 2^-53 of the smallest normal: 53 bits suffice, so it is tiny even though it rounds to a normal number";
  const uint64_t above_half = d(0x1.0000000000001p-1);
  const uint64_t almost_two = 0x001fffffffffffff;
  EXPECT_EQ(mul64(up, almost_two, above_half).flags, NX) << "not tiny";
  EXPECT_EQ(fma64(nearest_even, F64::kMinNormal, d(-0x1p-60), F64::kMinNormal), (R64{F64::kMinNormal, NX}))
      << "rounds up to the smallest normal with 53 bits too: not tiny";
  EXPECT_EQ(fma64(down, F64::kMinNormal, d(-0x1p-60), F64::kMinNormal), (R64{F64::kMinNormal - 1, UF | NX}));
}

TEST(FpMul, UnderflowsToZeroOrTheSmallestNumber) {
  EXPECT_EQ(mul64(nearest_even, 1, 1), (R64{0, UF | NX}));
  EXPECT_EQ(mul64(up, 1, 1), (R64{1, UF | NX}));
  EXPECT_EQ(mul64(down, 1, F64::kSign | 1), (R64{F64::kSign | 1, UF | NX}));
  EXPECT_EQ(mul64(nearest_even, 1, d(2)), (R64{2, kNone})) << "exact and subnormal: no flag";
}

TEST(FpMul, InfinityTimesZeroIsInvalid) {
  EXPECT_EQ(mul64(nearest_even, kInfinity, kMinusZero), (R64{kNan, NV}));
  EXPECT_EQ(mul64(nearest_even, kInfinity, d(-2)), (R64{kMinusInfinity, kNone}));
}

TEST(FpDiv, ByZeroGivesInfinity) {
  EXPECT_EQ(div64(nearest_even, d(1), kMinusZero), (R64{kMinusInfinity, DZ}));
  EXPECT_EQ(div64(nearest_even, 0, 0), (R64{kNan, NV}));
  EXPECT_EQ(div64(nearest_even, kInfinity, kInfinity), (R64{kNan, NV}));
  EXPECT_EQ(div64(nearest_even, kInfinity, 0), (R64{kInfinity, kNone}));
}

TEST(FpDiv, RoundsOneThirdInEveryDirection) {
  EXPECT_EQ(div64(nearest_even, d(1), d(3)), (R64{0x3fd5555555555555, NX}));
  EXPECT_EQ(div64(up, d(1), d(3)), (R64{0x3fd5555555555556, NX}));
  EXPECT_EQ(div64(up, d(-1), d(3)), (R64{0xbfd5555555555555, NX}));
  EXPECT_EQ(div64(nearest_away, d(6), d(3)), (R64{d(2), kNone}));
}

TEST(FpSqrt, IsExactForSquaresAndInvalidBelowZero) {
  EXPECT_EQ(sqrt64(nearest_even, d(144)), (R64{d(12), kNone}));
  EXPECT_EQ(sqrt64(nearest_even, d(2)), (R64{0x3ff6a09e667f3bcd, NX}));
  EXPECT_EQ(sqrt64(to_zero, d(2)), (R64{0x3ff6a09e667f3bcc, NX}));
  EXPECT_EQ(sqrt64(nearest_even, kMinusZero), (R64{kMinusZero, kNone}));
  EXPECT_EQ(sqrt64(nearest_even, d(-1)), (R64{kNan, NV}));
  EXPECT_EQ(sqrt64(nearest_even, 1), (R64{d(0x1p-537), kNone}));
}

TEST(FpFma, RoundsOnce) {
  const uint64_t a = d(0x1.0000000000001p0);
  EXPECT_EQ(fma64(nearest_even, a, a, d(-1)), (R64{d(0x1.0000000000000p-51) + 0, kNone | NX}))
      << "2^-51 + 2^-104, which needs 54 bits";
  EXPECT_EQ(fma64(up, a, a, d(-1)), (R64{d(0x1.0000000000001p-51), NX}));
}

TEST(FpFma, InfinityTimesZeroIsInvalidEvenWithAQuietNan) {
  EXPECT_EQ(fma64(nearest_even, kInfinity, 0, kQuietNan), (R64{kNan, NV}));
  EXPECT_EQ(fma64(nearest_even, d(1), d(1), kQuietNan), (R64{kNan, kNone}));
  EXPECT_EQ(fma64(nearest_even, d(1), d(1), kSignallingNan), (R64{kNan, NV}));
  EXPECT_EQ(fma64(nearest_even, kInfinity, d(1), kMinusInfinity), (R64{kNan, NV}));
}

TEST(FpFma, SignOfAnExactZero) {
  EXPECT_EQ(fma64(nearest_even, d(2), d(3), d(-6)), (R64{0, kNone}));
  EXPECT_EQ(fma64(down, d(2), d(3), d(-6)), (R64{kMinusZero, kNone}));
  EXPECT_EQ(fma64(nearest_even, 0, d(-1), kMinusZero), (R64{kMinusZero, kNone}));
}

TEST(FpStaticRounding, ADirectionOtherThanFrmIsObeyed) {
  Env env{.frm = static_cast<uint8_t>(up)};
  const HostFp host(env);

  const uint64_t towards_zero = add<F64>(env, to_zero, d(1), d(0x1p-80));
  const uint64_t upwards = add<F64>(env, up, d(1), d(0x1p-80));

  EXPECT_EQ(towards_zero, d(1));
  EXPECT_EQ(upwards, d(0x1.0000000000001p0));
  EXPECT_EQ(read_flags(env), NX);
}

TEST(FpSingle, RoundsToTwentyFourBits) {
  const auto sum = run(up, [](Env& env, Rounding r) { return add<F32>(env, r, f(1), f(0x1p-30f)); });
  const auto tiny =
      run(nearest_even, [](Env& env, Rounding r) { return mul<F32>(env, r, f(0x1p-100f), f(0x1p-100f)); });
  EXPECT_EQ(sum, (Result<uint32_t>{f(0x1.000002p0f), NX}));
  EXPECT_EQ(tiny, (Result<uint32_t>{0, UF | NX}));
}

TEST(FpHalf, RoundsToElevenBits) {
  const auto third = run(nearest_even, [](Env& env, Rounding r) { return div<F16>(env, r, 0x3c00, 0x4200); });
  const auto large = run(nearest_even, [](Env& env, Rounding r) { return mul<F16>(env, r, 0x7bff, 0x4000); });
  EXPECT_EQ(third, (Result<uint16_t>{0x3555, NX}));
  EXPECT_EQ(large, (Result<uint16_t>{0x7c00, OF | NX}));
}

}  // namespace
}  // namespace emu::fp
