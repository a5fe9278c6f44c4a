#include "emu/isa/decode_table.h"

#include <array>

#include <gtest/gtest.h>

namespace emu {
namespace {

struct Row {
  uint32_t mask;
  uint32_t match;
};
struct LowByte {
  static constexpr unsigned kBits = 8;
  constexpr uint32_t operator()(uint32_t raw) const noexcept { return raw & 0xff; }
};
constexpr std::array kRows = {Row{0x0f, 0x03}, Row{0xff, 0x13}, Row{0xf0f, 0x504}, Row{0xf0f, 0x604}};
constexpr auto kAny = [](const Row&) { return true; };

TEST(DecodeTableTest, FindsTheRowThatMatches) {
  const DecodeTable<Row, LowByte> table(kRows);

  EXPECT_EQ(table.find(0x23, kAny), &kRows[0]);
  EXPECT_EQ(table.find(0x594, kAny), &kRows[2]);
  EXPECT_EQ(table.find(0x694, kAny), &kRows[3]);
}

TEST(DecodeTableTest, FindsNothingWhereNoRowMatches) {
  const DecodeTable<Row, LowByte> table(kRows);

  EXPECT_EQ(table.find(0x01, kAny), nullptr);
  EXPECT_EQ(table.find(0x704, kAny), nullptr);
}

TEST(DecodeTableTest, PrefersTheRowWithMoreFixedBits) {
  const DecodeTable<Row, LowByte> table(kRows);

  EXPECT_EQ(table.find(0x13, kAny), &kRows[1]);
}

TEST(DecodeTableTest, GoesOnToTheNextRowWhenOneIsNotAccepted) {
  const DecodeTable<Row, LowByte> table(kRows);

  EXPECT_EQ(table.find(0x13, [](const Row& row) { return row.mask != 0xff; }), &kRows[0]);
}

}  // namespace
}  // namespace emu
