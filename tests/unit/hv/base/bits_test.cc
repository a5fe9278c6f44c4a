#include "hv/base/bits.h"

#include <gtest/gtest.h>

namespace hv {
namespace {

TEST(Bits, ExtractsAFieldFromItsLowBit) { EXPECT_EQ(bits(0xabcd'1234, 8, 12), 0xd12u); }

TEST(Bits, ExtractsSixtyThreeBits) { EXPECT_EQ(bits(~uint64_t{0}, 1, 63), ~uint64_t{0} >> 1); }

TEST(Bits, TestsTheTopBit) {
  EXPECT_TRUE(bit(uint64_t{1} << 63, 63));
  EXPECT_FALSE(bit(uint64_t{1} << 63, 62));
}

TEST(Bits, SignExtendsFromAnyWidth) {
  EXPECT_EQ(sign_extend(0x80, 8), -128);
  EXPECT_EQ(sign_extend(0x17f, 8), 127);
  EXPECT_EQ(sign_extend(~uint64_t{0}, 64), -1);
}

TEST(Bits, ReplacesOnlyTheMaskedBits) { EXPECT_EQ(with_bits(0xffff, 0x0ff0, 0xa5a5), 0xf5afu); }

TEST(Bits, AlignsUpAndDown) {
  EXPECT_EQ(align_up(uint64_t{4097}, uint64_t{4096}), 8192u);
  EXPECT_EQ(align_up(uint64_t{4096}, uint64_t{4096}), 4096u);
  EXPECT_EQ(align_down(uint64_t{8191}, uint64_t{4096}), 4096u);
  EXPECT_TRUE(is_aligned(uint64_t{8192}, uint64_t{4096}));
  EXPECT_FALSE(is_aligned(uint64_t{8193}, uint64_t{4096}));
}

}  // namespace
}  // namespace hv
