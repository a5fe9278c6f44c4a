#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

/// The host's FPU against the soft path: both must give the same bits and flags. On a host without a fast path the two
/// are one, and the vectors of tests/diff/fp remain.
namespace emu::fp {
namespace {

using namespace test;

constexpr int kTuples = 100'000;

template <class F>
class FpHost : public testing::Test {
 protected:
  using B = typename F::Bits;

  /// Runs both on many operands in every direction that the host has; shows the first difference.
  template <class Fast, class Soft>
  static void expect_same(Fast fast, Soft soft) {
    Operands<F> operands(1);
    for (const Rounding rounding : kHostRoundings) {
      for (int i = 0; i < kTuples; ++i) {
        const B a = operands.next();
        const B b = operands.next();
        const B c = operands.next();
        const auto actual = run(rounding, [&](Env& env, Rounding r) { return fast(env, r, a, b, c); });
        const auto expected = run_soft(rounding, [&](Env& env, Rounding r) { return soft(env, r, a, b, c); });
        ASSERT_EQ(actual, expected) << "rounding " << +static_cast<uint8_t>(rounding) << std::hex << ", 0x" << a
                                    << ", 0x" << b << ", 0x" << c;
      }
    }
  }
};

using HostFormats = testing::Types<F32, F64>;
TYPED_TEST_SUITE(FpHost, HostFormats);

/// All magnitudes: the bits of one operand, shifted by a number from another.
template <class Int>
Int integer(uint64_t bits, uint64_t shift) {
  return static_cast<Int>(static_cast<Int>(bits << 32 ^ bits * 0x9e37'79b9'7f4a'7c15) >> (shift % (8 * sizeof(Int))));
}

TYPED_TEST(FpHost, AddsAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B b, B) { return add<TypeParam>(env, r, a, b); },
                    [](Env& env, Rounding r, B a, B b, B) { return soft::add<TypeParam>(env, r, a, b); });
}

TYPED_TEST(FpHost, SubtractsAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B b, B) { return sub<TypeParam>(env, r, a, b); },
                    [](Env& env, Rounding r, B a, B b, B) { return soft::sub<TypeParam>(env, r, a, b); });
}

TYPED_TEST(FpHost, MultipliesAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B b, B) { return mul<TypeParam>(env, r, a, b); },
                    [](Env& env, Rounding r, B a, B b, B) { return soft::mul<TypeParam>(env, r, a, b); });
}

TYPED_TEST(FpHost, DividesAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B b, B) { return div<TypeParam>(env, r, a, b); },
                    [](Env& env, Rounding r, B a, B b, B) { return soft::div<TypeParam>(env, r, a, b); });
}

TYPED_TEST(FpHost, TakesRootsAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B, B) { return sqrt<TypeParam>(env, r, a); },
                    [](Env& env, Rounding r, B a, B, B) { return soft::sqrt<TypeParam>(env, r, a); });
}

TYPED_TEST(FpHost, FusesAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B b, B c) { return fma<TypeParam>(env, r, a, b, c); },
                    [](Env& env, Rounding r, B a, B b, B c) { return soft::fma<TypeParam>(env, r, a, b, c); });
}

TYPED_TEST(FpHost, ComparesEqualAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding, B a, B b, B) { return equal<TypeParam>(env, a, b); },
                    [](Env& env, Rounding, B a, B b, B) { return soft::equal<TypeParam>(env, a, b); });
}

TYPED_TEST(FpHost, ComparesLessAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding, B a, B b, B) { return less<TypeParam>(env, a, b); },
                    [](Env& env, Rounding, B a, B b, B) { return soft::less<TypeParam>(env, a, b, true); });
}

TYPED_TEST(FpHost, ComparesLessEqualAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding, B a, B b, B) { return less_equal<TypeParam>(env, a, b); },
                    [](Env& env, Rounding, B a, B b, B) { return soft::less_equal<TypeParam>(env, a, b, true); });
}

TYPED_TEST(FpHost, ComparesLessQuietlyAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding, B a, B b, B) { return less_quiet<TypeParam>(env, a, b); },
                    [](Env& env, Rounding, B a, B b, B) { return soft::less<TypeParam>(env, a, b, false); });
}

TYPED_TEST(FpHost, ComparesLessEqualQuietlyAsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding, B a, B b, B) { return less_equal_quiet<TypeParam>(env, a, b); },
                    [](Env& env, Rounding, B a, B b, B) { return soft::less_equal<TypeParam>(env, a, b, false); });
}

TYPED_TEST(FpHost, ConvertsToInt32AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B, B) { return to_int<int32_t, TypeParam>(env, r, a); },
                    [](Env& env, Rounding r, B a, B, B) { return soft::to_int<int32_t, TypeParam>(env, r, a); });
}

TYPED_TEST(FpHost, TruncatesToInt32AsSoftInEveryMode) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding, B a, B, B) { return to_int<int32_t, TypeParam>(env, Rounding::to_zero, a); },
      [](Env& env, Rounding, B a, B, B) { return soft::to_int<int32_t, TypeParam>(env, Rounding::to_zero, a); });
}

TYPED_TEST(FpHost, ConvertsFromInt32AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding r, B a, B b, B) { return from_int<TypeParam>(env, r, integer<int32_t>(a, b)); },
      [](Env& env, Rounding r, B a, B b, B) { return soft::from_int<TypeParam>(env, r, integer<int32_t>(a, b)); });
}

TYPED_TEST(FpHost, ConvertsToUint32AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B, B) { return to_int<uint32_t, TypeParam>(env, r, a); },
                    [](Env& env, Rounding r, B a, B, B) { return soft::to_int<uint32_t, TypeParam>(env, r, a); });
}

TYPED_TEST(FpHost, TruncatesToUint32AsSoftInEveryMode) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding, B a, B, B) { return to_int<uint32_t, TypeParam>(env, Rounding::to_zero, a); },
      [](Env& env, Rounding, B a, B, B) { return soft::to_int<uint32_t, TypeParam>(env, Rounding::to_zero, a); });
}

TYPED_TEST(FpHost, ConvertsFromUint32AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding r, B a, B b, B) { return from_int<TypeParam>(env, r, integer<uint32_t>(a, b)); },
      [](Env& env, Rounding r, B a, B b, B) { return soft::from_int<TypeParam>(env, r, integer<uint32_t>(a, b)); });
}

TYPED_TEST(FpHost, ConvertsToInt64AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B, B) { return to_int<int64_t, TypeParam>(env, r, a); },
                    [](Env& env, Rounding r, B a, B, B) { return soft::to_int<int64_t, TypeParam>(env, r, a); });
}

TYPED_TEST(FpHost, TruncatesToInt64AsSoftInEveryMode) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding, B a, B, B) { return to_int<int64_t, TypeParam>(env, Rounding::to_zero, a); },
      [](Env& env, Rounding, B a, B, B) { return soft::to_int<int64_t, TypeParam>(env, Rounding::to_zero, a); });
}

TYPED_TEST(FpHost, ConvertsFromInt64AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding r, B a, B b, B) { return from_int<TypeParam>(env, r, integer<int64_t>(a, b)); },
      [](Env& env, Rounding r, B a, B b, B) { return soft::from_int<TypeParam>(env, r, integer<int64_t>(a, b)); });
}

TYPED_TEST(FpHost, ConvertsToUint64AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same([](Env& env, Rounding r, B a, B, B) { return to_int<uint64_t, TypeParam>(env, r, a); },
                    [](Env& env, Rounding r, B a, B, B) { return soft::to_int<uint64_t, TypeParam>(env, r, a); });
}

TYPED_TEST(FpHost, TruncatesToUint64AsSoftInEveryMode) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding, B a, B, B) { return to_int<uint64_t, TypeParam>(env, Rounding::to_zero, a); },
      [](Env& env, Rounding, B a, B, B) { return soft::to_int<uint64_t, TypeParam>(env, Rounding::to_zero, a); });
}

TYPED_TEST(FpHost, ConvertsFromUint64AsSoft) {
  using B = typename TypeParam::Bits;
  this->expect_same(
      [](Env& env, Rounding r, B a, B b, B) { return from_int<TypeParam>(env, r, integer<uint64_t>(a, b)); },
      [](Env& env, Rounding r, B a, B b, B) { return soft::from_int<TypeParam>(env, r, integer<uint64_t>(a, b)); });
}

TEST(FpHostConvert, WidensSinglesAsSoft) {
  Operands<F32> operands(2);
  for (int i = 0; i < kTuples; ++i) {
    const uint32_t a = operands.next();
    const auto actual = run(Rounding::up, [&](Env& env, Rounding r) { return convert<F64, F32>(env, r, a); });
    const auto expected =
        run_soft(Rounding::up, [&](Env& env, Rounding r) { return soft::convert<F64, F32>(env, r, a); });
    ASSERT_EQ(actual, expected) << std::hex << a;
  }
}

TEST(FpHostConvert, NarrowsDoublesAsSoft) {
  Operands<F64> operands(3);
  for (const Rounding rounding : kHostRoundings) {
    for (int i = 0; i < kTuples; ++i) {
      const uint64_t a = operands.next();
      const auto actual = run(rounding, [&](Env& env, Rounding r) { return convert<F32, F64>(env, r, a); });
      const auto expected =
          run_soft(rounding, [&](Env& env, Rounding r) { return soft::convert<F32, F64>(env, r, a); });
      ASSERT_EQ(actual, expected) << std::hex << a;
    }
  }
}

TEST(FpHostFlags, AreThoseOfOperationsOnConstantsWhoseResultsAreNotUsed) {
  Env env;
  const HostFp host(env);

  add<F64>(env, env.rounding(), d(1), d(0x1p-80));
  const uint8_t after_add = read_flags(env);
  write_flags(env, 0);
  div<F64>(env, env.rounding(), d(1), 0);
  const uint8_t after_div = read_flags(env);
  write_flags(env, 0);
  const uint8_t after_nothing = read_flags(env);
  less<F64>(env, d(1), F64::kCanonicalNan);
  const uint8_t after_less = read_flags(env);

  EXPECT_EQ(after_add, NX);
  EXPECT_EQ(after_div, DZ);
  EXPECT_EQ(after_nothing, kNone);
  EXPECT_EQ(after_less, NV);
}

TEST(FpHostRounding, IsThatOfTheMomentForEqualOperations) {
  Env env;
  const HostFp host(env);

  write_frm(env, static_cast<uint8_t>(Rounding::up));
  const uint64_t upwards = div<F64>(env, env.rounding(), d(1), d(3));
  write_frm(env, static_cast<uint8_t>(Rounding::down));
  const uint64_t downwards = div<F64>(env, env.rounding(), d(1), d(3));
  write_frm(env, static_cast<uint8_t>(Rounding::nearest_away));
  const uint64_t away = add<F64>(env, env.rounding(), d(1), d(0x1p-53));

  EXPECT_EQ(upwards, 0x3fd5555555555556);
  EXPECT_EQ(downwards, 0x3fd5555555555555);
  EXPECT_EQ(away, d(0x1.0000000000001p0));
}

}  // namespace
}  // namespace emu::fp
