#include <algorithm>

#include <gtest/gtest.h>

#include "emu/ir/builder.h"
#include "emu/ir/ir.h"

namespace emu::ir {
namespace {

class PassesTest : public testing::Test {
 protected:
  Ref get(uint8_t reg) { return builder_.append({.op = Op::get_x, .reg = reg}); }
  void set(uint8_t reg, Ref value) { builder_.append({.op = Op::set_x, .reg = reg, .a = value}); }
  Ref load(Ref base, int32_t offset, uint8_t size = 8) {
    return builder_.append({.op = Op::load, .size = size, .a = builder_.add(base, builder_.imm(offset))});
  }
  void store(Ref base, int32_t offset, Ref value, uint8_t size = 8) {
    builder_.append({.op = Op::store, .size = size, .a = builder_.add(base, builder_.imm(offset)), .b = value});
  }
  void leave() { builder_.append({.op = Op::jump, .imm = 0}); }
  long count(Op op) const {
    return std::count_if(block_.nodes.begin(), block_.nodes.end(), [op](const Node& node) { return node.op == op; });
  }

  Block block_;
  Builder builder_{block_};
};

TEST_F(PassesTest, LoadsOffOneValueShareACheckThatCoversThem) {
  const Ref base = get(2);
  load(base, 40);
  load(base, 8, 2);
  load(base, 16);
  leave();
  share_checks(block_);
  EXPECT_EQ(verify(block_), "");
  ASSERT_EQ(count(Op::reach_to_load), 1);
  EXPECT_EQ(count(Op::load_near), 3);
  const auto reach =
      std::find_if(block_.nodes.begin(), block_.nodes.end(), [](const Node& n) { return n.op == Op::reach_to_load; });
  EXPECT_EQ(reach->imm, 8);
  EXPECT_EQ(reach->otherwise, 40);
}

TEST_F(PassesTest, LoadsAndStoresHaveChecksOfTheirOwn) {
  const Ref base = get(2);
  store(base, 0, load(base, 8));
  store(base, 16, load(base, 24));
  leave();
  share_checks(block_);
  EXPECT_EQ(verify(block_), "");
  EXPECT_EQ(count(Op::reach_to_load), 1);
  EXPECT_EQ(count(Op::reach_to_store), 1);
  EXPECT_EQ(count(Op::store_near), 2);
}

TEST_F(PassesTest, ASingleAccessKeepsItsOwnCheck) {
  load(get(2), 0);
  load(get(3), 0);
  leave();
  share_checks(block_);
  EXPECT_EQ(count(Op::load), 2);
  EXPECT_EQ(count(Op::load_near), 0);
}

TEST_F(PassesTest, AccessesFarApartShareNoCheck) {
  const Ref base = get(2);
  load(base, 0);
  load(base, 1024);
  leave();
  share_checks(block_);
  EXPECT_EQ(count(Op::load), 2);
}

TEST_F(PassesTest, NoCheckIsSharedAcrossACall) {
  const Ref base = get(2);
  load(base, 0);
  builder_.append({.op = Op::call});
  load(base, 8);
  leave();
  share_checks(block_);
  EXPECT_EQ(count(Op::load), 2);
}

TEST_F(PassesTest, AnExtensionIsDroppedWhereOnlyTheLowHalfIsUsed) {
  const Ref wide = get(5);
  const Ref narrow = builder_.sext32(wide);
  store(get(2), 0, builder_.bit_xor(narrow, get(6)), 4);
  leave();
  drop_extensions(block_);
  drop_dead_values(block_);
  EXPECT_EQ(count(Op::sext32), 0);
  EXPECT_EQ(verify(block_), "");
}

TEST_F(PassesTest, AnExtensionStaysWhereAllBitsAreUsed) {
  set(7, builder_.sext32(get(5)));
  store(get(2), 0, builder_.shift_right(builder_.zext32(get(6)), builder_.imm(3)), 4);
  leave();
  drop_extensions(block_);
  drop_dead_values(block_);
  EXPECT_EQ(count(Op::sext32), 1);
  EXPECT_EQ(count(Op::zext32), 1);
}

TEST_F(PassesTest, AWriteThatNobodySeesIsDropped) {
  set(7, get(5));
  set(7, get(6));
  leave();
  drop_dead_writes(block_);
  drop_dead_values(block_);
  EXPECT_EQ(count(Op::set_x), 1);
  EXPECT_EQ(count(Op::get_x), 1);
  EXPECT_EQ(verify(block_), "");
}

TEST_F(PassesTest, AWriteStaysWhereAnExceptionCouldShowIt) {
  set(7, get(5));
  load(get(2), 0);
  set(7, get(6));
  leave();
  drop_dead_writes(block_);
  EXPECT_EQ(count(Op::set_x), 2);
}

TEST_F(PassesTest, WhatIsExtendedAlreadyIsNotExtendedAgain) {
  const Ref loaded = builder_.append({.op = Op::load, .size = 4, .is_signed = true, .a = get(2)});
  const Ref shifted = builder_.sext32(builder_.shift_right32(get(5), builder_.imm(8)));
  set(7, builder_.sext32(builder_.bit_xor(loaded, shifted)));
  leave();
  drop_extensions(block_);
  drop_dead_values(block_);
  EXPECT_EQ(count(Op::sext32), 0);
  EXPECT_EQ(verify(block_), "");
}

TEST_F(PassesTest, AWordShiftedByNothingIsExtended) {
  set(7, builder_.sext32(builder_.shift_right32(get(5), builder_.imm(32))));
  leave();
  drop_extensions(block_);
  EXPECT_EQ(count(Op::sext32), 1);
}

TEST_F(PassesTest, WhatSparesAnExtensionKeepsItsOwn) {
  const Ref narrow = builder_.sext32(get(5));
  set(7, builder_.sext32(builder_.bit_and(narrow, builder_.sext32(get(6)))));
  leave();
  drop_extensions(block_);
  drop_dead_values(block_);
  EXPECT_EQ(count(Op::sext32), 2);
}

}  // namespace
}  // namespace emu::ir
