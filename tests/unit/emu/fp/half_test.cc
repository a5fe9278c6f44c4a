#include <cmath>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

/// F16 has few enough values to try all. Doubles hold every sum and product of two of them exactly, and their quotients
/// and roots closely enough that a second rounding is harmless; that makes an oracle.
namespace emu::fp {
namespace {

using namespace test;
using enum Rounding;

using Half = Result<uint16_t>;

/// The value by its definition, IEEE 754-2019 §3.4.
double value_of(uint16_t half) {
  const int biased = half >> 10 & 0x1f;
  const int fraction = half & 0x3ff;
  const double absolute = biased == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, biased - 25);
  return half & 0x8000 ? -absolute : absolute;
}

Half narrow(Rounding rounding, double value) {
  return run_soft(rounding, [=](Env& env, Rounding r) { return soft::convert<F16, F64>(env, r, d(value)); });
}

TEST(FpHalf, WidensEveryValueExactly) {
  for (uint16_t half = 0; half < F16::kInfinity; ++half) {
    const auto wide = run_soft(up, [=](Env& env, Rounding r) { return soft::convert<F64, F16>(env, r, half); });
    ASSERT_EQ(wide, (Result<uint64_t>{d(value_of(half)), kNone})) << std::hex << half;
  }
}

TEST(FpHalf, NarrowsEveryValueToItself) {
  for (uint16_t half = 0; half < F16::kInfinity; ++half) {
    ASSERT_EQ(narrow(nearest_even, value_of(half)), (Half{half, kNone}));
    ASSERT_EQ(narrow(down, -value_of(half)), (Half{static_cast<uint16_t>(half | 0x8000), kNone}));
  }
}

TEST(FpHalf, RoundsWhatLiesBetweenTwoNeighbours) {
  // What lies just below the smallest normal number is the next test.
  for (unsigned i = 0; i < F16::kMaxFinite; i += i + 2u == F16::kMinNormal ? 2 : 1) {
    const auto below = static_cast<uint16_t>(i);
    const auto above = static_cast<uint16_t>(i + 1);
    const double middle = (value_of(below) + value_of(above)) / 2;
    const double more = std::nextafter(middle, 1e9);
    const double less = std::nextafter(middle, 0);
    const uint16_t even = below % 2 == 0 ? below : above;
    const auto flags = static_cast<uint8_t>(above < F16::kMinNormal ? UF | NX : NX);
    ASSERT_EQ(narrow(nearest_even, middle), (Half{even, flags}));
    ASSERT_EQ(narrow(nearest_even, more), (Half{above, flags}));
    ASSERT_EQ(narrow(nearest_even, less), (Half{below, flags}));
    ASSERT_EQ(narrow(nearest_away, middle), (Half{above, flags}));
    ASSERT_EQ(narrow(nearest_away, less), (Half{below, flags}));
    ASSERT_EQ(narrow(to_zero, more), (Half{below, flags}));
    ASSERT_EQ(narrow(down, more), (Half{below, flags}));
    ASSERT_EQ(narrow(up, less), (Half{above, flags}));
  }
}

TEST(FpHalf, IsTinyWhenElevenBitsOfItAreBelowTheSmallestNormal) {
  const double normal = std::ldexp(1, -14);
  EXPECT_EQ(narrow(nearest_even, normal - std::ldexp(1, -25)), (Half{F16::kMinNormal, UF | NX}))
      << "eleven bits hold it";
  EXPECT_EQ(narrow(nearest_even, normal - std::ldexp(1, -26)), (Half{F16::kMinNormal, NX})) << "a tie, to even: normal";
  EXPECT_EQ(narrow(nearest_even, normal - std::ldexp(3, -27)), (Half{F16::kMinNormal, UF | NX}));
  EXPECT_EQ(narrow(to_zero, normal - std::ldexp(1, -26)), (Half{F16::kMinNormal - 1, UF | NX}));
  EXPECT_EQ(narrow(up, normal - std::ldexp(1, -25)), (Half{F16::kMinNormal, UF | NX}));
  EXPECT_EQ(narrow(up, normal - std::ldexp(3, -27)), (Half{F16::kMinNormal, NX}));
}

TEST(FpHalf, OverflowsFromHalfAUnitAboveTheLargest) {
  EXPECT_EQ(narrow(nearest_even, 65519.999), (Half{F16::kMaxFinite, NX}));
  EXPECT_EQ(narrow(nearest_even, 65520), (Half{F16::kInfinity, OF | NX}));
  EXPECT_EQ(narrow(to_zero, 1e6), (Half{F16::kMaxFinite, OF | NX}));
  EXPECT_EQ(narrow(up, -1e6), (Half{0xfbff, OF | NX}));
  EXPECT_EQ(narrow(up, 65504.001), (Half{F16::kInfinity, OF | NX}));
}

/// `half_operation` must give what `double_operation` gives, narrowed.
template <class HalfOperation, class DoubleOperation>
void expect_narrowed(HalfOperation half_operation, DoubleOperation double_operation) {
  Operands<F16> operands(4);
  for (const Rounding rounding : kAllRoundings) {
    for (int i = 0; i < 40'000; ++i) {
      const uint16_t a = operands.next();
      const uint16_t b = operands.next();
      const Half actual = run_soft(rounding, [&](Env& env, Rounding r) { return half_operation(env, r, a, b); });
      const Half expected = run_soft(rounding, [&](Env& env, Rounding r) {
        const auto wide_a = soft::convert<F64, F16>(env, r, a);
        const auto wide_b = soft::convert<F64, F16>(env, r, b);
        return soft::convert<F16, F64>(env, r, double_operation(env, r, wide_a, wide_b));
      });
      ASSERT_EQ(actual, expected) << "rounding " << +static_cast<uint8_t>(rounding) << std::hex << ", 0x" << a << ", 0x"
                                  << b;
    }
  }
}

TEST(FpHalf, AddsAsDoublesDo) {
  expect_narrowed([](Env& env, Rounding r, uint16_t a, uint16_t b) { return add<F16>(env, r, a, b); },
                  [](Env& env, Rounding r, uint64_t a, uint64_t b) { return soft::add<F64>(env, r, a, b); });
}

TEST(FpHalf, MultipliesAsDoublesDo) {
  expect_narrowed([](Env& env, Rounding r, uint16_t a, uint16_t b) { return mul<F16>(env, r, a, b); },
                  [](Env& env, Rounding r, uint64_t a, uint64_t b) { return soft::mul<F64>(env, r, a, b); });
}

TEST(FpHalf, DividesAsDoublesDo) {
  expect_narrowed([](Env& env, Rounding r, uint16_t a, uint16_t b) { return div<F16>(env, r, a, b); },
                  [](Env& env, Rounding r, uint64_t a, uint64_t b) { return soft::div<F64>(env, r, a, b); });
}

TEST(FpHalf, FusesAProductWithZeroAsItMultiplies) {
  expect_narrowed([](Env& env, Rounding r, uint16_t a, uint16_t b) { return fma<F16>(env, r, a, F16::kOne, b); },
                  [](Env& env, Rounding r, uint64_t a, uint64_t b) { return soft::add<F64>(env, r, a, b); });
}

TEST(FpHalf, TakesTheRootOfEveryValueAsDoublesDo) {
  for (const Rounding rounding : kAllRoundings) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto a = static_cast<uint16_t>(bits);
      const Half actual = run_soft(rounding, [=](Env& env, Rounding r) { return sqrt<F16>(env, r, a); });
      const Half expected = run_soft(rounding, [=](Env& env, Rounding r) {
        return soft::convert<F16, F64>(env, r, soft::sqrt<F64>(env, r, soft::convert<F64, F16>(env, r, a)));
      });
      ASSERT_EQ(actual, expected) << "rounding " << +static_cast<uint8_t>(rounding) << std::hex << ", 0x" << a;
    }
  }
}

TEST(FpHalf, RoundsEveryValueToIntegralAsDoublesDo) {
  for (const Rounding rounding : kAllRoundings) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto a = static_cast<uint16_t>(bits);
      const Half actual =
          run_soft(rounding, [=](Env& env, Rounding r) { return round_to_integral<F16>(env, r, a, true); });
      const Half expected = run_soft(rounding, [=](Env& env, Rounding r) {
        const auto wide = soft::convert<F64, F16>(env, r, a);
        return soft::convert<F16, F64>(env, r, soft::round_to_integral<F64>(env, r, wide, true));
      });
      ASSERT_EQ(actual, expected) << "rounding " << +static_cast<uint8_t>(rounding) << std::hex << ", 0x" << a;
    }
  }
}

}  // namespace
}  // namespace emu::fp
