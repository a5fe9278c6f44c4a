#include <array>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

namespace emu::fp {
namespace {

using namespace test;
using enum Rounding;

template <class F>
class FpCompare : public testing::Test {
 protected:
  using B = typename F::Bits;
  static constexpr B kOne = F::kOne;
  static constexpr B kTwo = F::kOne + F::kMinNormal;
  static constexpr B kMinusOne = F::kSign | F::kOne;
  static constexpr B kMinusTwo = F::kSign | kTwo;
  static constexpr B kMinusZero = F::kSign;
  static constexpr B kQuiet = F::kCanonicalNan;
  static constexpr B kQuietPayload = F::kSign | F::kCanonicalNan | 3;
  static constexpr B kSignalling = F::kInfinity | 1;

  template <class Operation>
  static auto of(Operation operation, B a, B b) {
    return run(nearest_even, [=](Env& env, Rounding) { return operation(env, a, b); });
  }
  static auto smallest(B a, B b) { return of(min<F>, a, b); }
  static auto largest(B a, B b) { return of(max<F>, a, b); }
};

using Formats = testing::Types<F16, F32, F64>;
TYPED_TEST_SUITE(FpCompare, Formats);

TYPED_TEST(FpCompare, OrdersNumbersAndTreatsZerosAsEqual) {
  using T = TestFixture;
  using Truth = Result<bool>;
  EXPECT_EQ(T::of(less<TypeParam>, T::kMinusOne, T::kOne), (Truth{true, kNone}));
  EXPECT_EQ(T::of(less<TypeParam>, T::kMinusOne, T::kMinusTwo), (Truth{false, kNone}));
  EXPECT_EQ(T::of(less<TypeParam>, T::kMinusZero, 0), (Truth{false, kNone}));
  EXPECT_EQ(T::of(less_equal<TypeParam>, 0, T::kMinusZero), (Truth{true, kNone}));
  EXPECT_EQ(T::of(less_equal<TypeParam>, T::kOne, T::kOne), (Truth{true, kNone}));
  EXPECT_EQ(T::of(equal<TypeParam>, T::kMinusZero, 0), (Truth{true, kNone}));
  EXPECT_EQ(T::of(equal<TypeParam>, T::kMinusOne, T::kOne), (Truth{false, kNone}));
  EXPECT_EQ(T::of(less_quiet<TypeParam>, 1, 2), (Truth{true, kNone})) << "subnormal";
}

TYPED_TEST(FpCompare, NansAreUnordered) {
  using T = TestFixture;
  using Truth = Result<bool>;
  EXPECT_EQ(T::of(equal<TypeParam>, T::kQuiet, T::kQuiet), (Truth{false, kNone}));
  EXPECT_EQ(T::of(equal<TypeParam>, T::kSignalling, T::kOne), (Truth{false, NV}));
  EXPECT_EQ(T::of(less<TypeParam>, T::kQuiet, T::kOne), (Truth{false, NV}));
  EXPECT_EQ(T::of(less<TypeParam>, T::kOne, T::kQuiet), (Truth{false, NV}));
  EXPECT_EQ(T::of(less_equal<TypeParam>, T::kOne, T::kQuiet), (Truth{false, NV}));
  EXPECT_EQ(T::of(less_equal<TypeParam>, T::kQuiet, T::kQuiet), (Truth{false, NV}));
  EXPECT_EQ(T::of(less_quiet<TypeParam>, T::kOne, T::kQuiet), (Truth{false, kNone}));
  EXPECT_EQ(T::of(less_quiet<TypeParam>, T::kSignalling, T::kOne), (Truth{false, NV}));
  EXPECT_EQ(T::of(less_equal_quiet<TypeParam>, T::kQuiet, T::kQuiet), (Truth{false, kNone}));
  EXPECT_EQ(T::of(less_equal_quiet<TypeParam>, T::kOne, T::kSignalling), (Truth{false, NV}));
}

TYPED_TEST(FpCompare, MinAndMaxOrderZerosAndPreferNumbers) {
  using T = TestFixture;
  using R = Result<typename TypeParam::Bits>;
  EXPECT_EQ(T::smallest(0, T::kMinusZero), (R{T::kMinusZero, kNone}));
  EXPECT_EQ(T::largest(T::kMinusZero, 0), (R{0, kNone}));
  EXPECT_EQ(T::smallest(T::kMinusTwo, T::kMinusOne), (R{T::kMinusTwo, kNone}));
  EXPECT_EQ(T::largest(T::kOne, T::kTwo), (R{T::kTwo, kNone}));
  EXPECT_EQ(T::smallest(T::kQuiet, T::kTwo), (R{T::kTwo, kNone}));
  EXPECT_EQ(T::largest(T::kOne, T::kSignalling), (R{T::kOne, NV}));
  EXPECT_EQ(T::smallest(T::kQuietPayload, T::kQuietPayload), (R{T::kQuiet, kNone}));
}

TYPED_TEST(FpCompare, MinimumAndMaximumPreferNans) {
  using T = TestFixture;
  using R = Result<typename TypeParam::Bits>;
  EXPECT_EQ(T::of(minimum<TypeParam>, 0, T::kMinusZero), (R{T::kMinusZero, kNone}));
  EXPECT_EQ(T::of(maximum<TypeParam>, T::kMinusOne, T::kTwo), (R{T::kTwo, kNone}));
  EXPECT_EQ(T::of(minimum<TypeParam>, T::kQuietPayload, T::kTwo), (R{T::kQuiet, kNone}));
  EXPECT_EQ(T::of(maximum<TypeParam>, T::kOne, T::kSignalling), (R{T::kQuiet, NV}));
}

TYPED_TEST(FpCompare, ClassifiesIntoTenClasses) {
  using F = TypeParam;
  using B = typename F::Bits;
  const std::array<B, 10> by_bit = {
      F::kSign | F::kInfinity, F::kSign | F::kOne, F::kSign | 1,     F::kSign,        0, F::kFraction,
      F::kMinNormal,           F::kInfinity,       F::kInfinity + 1, F::kCanonicalNan};
  for (size_t bit = 0; bit < by_bit.size(); ++bit) EXPECT_EQ(classify<F>(by_bit[bit]), 1u << bit);
  EXPECT_EQ(classify<F>(F::kSign | F::kCanonicalNan), 1u << 9);
  EXPECT_EQ(classify<F>(F::kMaxFinite), 1u << 6);
}

}  // namespace
}  // namespace emu::fp
