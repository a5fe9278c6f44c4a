#include <array>
#include <cmath>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

namespace emu::fp {
namespace {

using namespace test;

/// RISC-V Unprivileged, "Zfa": the immediates 2 to 29 (1, 30 and 31 are not numbers of their own).
constexpr std::array kValues = {0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625, 0.125, 0.25,   0.3125, 0.375, 0.4375,
                                0.5,     0.625,   0.75,   0.875,  1.0,    1.25,  1.5,    1.75,   2.0,   2.5,
                                3.0,     4.0,     8.0,    16.0,   128.0,  256.0, 0x1p15, 0x1p16};

TEST(FpConstants, AreThoseOfTheTable) {
  for (unsigned i = 0; i < kValues.size(); ++i) {
    EXPECT_EQ(constant<F64>(i + 2), d(kValues[i])) << i + 2;
    EXPECT_EQ(constant<F32>(i + 2), f(static_cast<float>(kValues[i]))) << i + 2;
  }
  EXPECT_EQ(constant<F64>(0), d(-1));
  EXPECT_EQ(constant<F32>(0), f(-1));
  EXPECT_EQ(constant<F64>(1), d(0x1p-1022));
  EXPECT_EQ(constant<F32>(1), f(0x1p-126f));
  EXPECT_EQ(constant<F64>(30), F64::kInfinity);
  EXPECT_EQ(constant<F32>(31), 0x7fc0'0000u);
}

TEST(FpConstants, OfHalvesAreSubnormalOrInfiniteWhereTheyMustBe) {
  EXPECT_EQ(constant<F16>(0), 0xbc00);
  EXPECT_EQ(constant<F16>(1), 0x0400);
  EXPECT_EQ(constant<F16>(2), 0x0100);
  EXPECT_EQ(constant<F16>(3), 0x0200);
  EXPECT_EQ(constant<F16>(9), 0x3500);
  EXPECT_EQ(constant<F16>(28), 0x7800);
  EXPECT_EQ(constant<F16>(29), 0x7c00);
  EXPECT_EQ(constant<F16>(31), 0x7e00);
}

}  // namespace
}  // namespace emu::fp
