#include "emu/isa/pattern.h"

#include <gtest/gtest.h>

namespace emu {
namespace {

TEST(PatternTest, FixedBitsGiveMaskAndMatch) {
  constexpr Pattern pattern("10-aaaaabbbbb001");

  EXPECT_EQ(pattern.width, 16u);
  EXPECT_EQ(pattern.mask, 0b1100'0000'0000'0111u);
  EXPECT_EQ(pattern.match, 0b1000'0000'0000'0001u);
  EXPECT_EQ(pattern.ignored, 0b0010'0000'0000'0000u);
}

TEST(PatternTest, LettersGiveFieldsThatNeedNotBeContiguous) {
  constexpr Pattern pattern("aab00000000000ba");

  EXPECT_EQ(pattern.field('a'), 0b1100'0000'0000'0001u);
  EXPECT_EQ(pattern.field('b'), 0b0010'0000'0000'0010u);
  EXPECT_FALSE(pattern.has('c'));
}

TEST(ImmediateLayoutTest, GathersScatteredBits) {
  constexpr ImmediateLayout layout("2|0|1", false, 0b1010'0010);

  EXPECT_EQ(layout.gather(0b1000'0000), 4);
  EXPECT_EQ(layout.gather(0b0010'0000), 1);
  EXPECT_EQ(layout.gather(0b0000'0010), 2);
}

TEST(ImmediateLayoutTest, SignExtendsFromItsHighestBit) {
  constexpr ImmediateLayout is_signed("5:0", true, 0x3f);
  constexpr ImmediateLayout is_unsigned("5:0", false, 0x3f);

  EXPECT_EQ(is_signed.gather(0x3f), -1);
  EXPECT_EQ(is_signed.gather(0x1f), 31);
  EXPECT_EQ(is_unsigned.gather(0x3f), 63);
}

TEST(ImmediateLayoutTest, JoinsBitsThatStayTogether) {
  constexpr ImmediateLayout layout("12|10:5|4:1|11", true, 0xfe000f80);

  EXPECT_EQ(layout.count, 4);
}

TEST(ImmediateLayoutTest, ScatterIsTheInverseOfGather) {
  constexpr ImmediateLayout layout("20|10:1|11|19:12", true, 0xfffff000);

  EXPECT_EQ(layout.gather(layout.scatter(-1048576)), -1048576);
  EXPECT_EQ(layout.gather(layout.scatter(699050)), 699050);
  EXPECT_EQ(layout.field(), 0xfffff000u);
}

TEST(RegisterFieldTest, AddsItsBase) {
  constexpr RegisterField field{.shift = 2, .mask = 7, .base = 8};

  EXPECT_EQ(field.read(0b10100), 13);
  EXPECT_EQ(field.write(13), 0b10100u);
  EXPECT_TRUE(field.holds(15));
  EXPECT_FALSE(field.holds(7));
  EXPECT_FALSE(field.holds(16));
}

}  // namespace
}  // namespace emu
