#include "emu/mmu/leaf_extents.h"

#include <gtest/gtest.h>

namespace emu::mmu {
namespace {

constexpr uint64_t kMega = uint64_t{1} << 21;
constexpr uint64_t kGiga = uint64_t{1} << 30;

void expect_range(VirtualRange range, uint64_t first, uint64_t last) {
  EXPECT_EQ(range.first, first);
  EXPECT_EQ(range.last, last);
}

TEST(LeafExtents, WidenToThePageWhereThereAreNoLargerLeaves) {
  LeafExtents extents;
  extents.note(0x5000, 0x1000);
  expect_range(extents.widen({0x5123, 0x5123}), 0x5000, 0x5fff);
}

TEST(LeafExtents, WidenToTheLeavesBetweenThoseThatWereSeen) {
  LeafExtents extents;
  extents.note(4 * kMega + 0x3000, kMega);
  extents.note(8 * kMega, kMega);
  expect_range(extents.widen({6 * kMega + 0x1234, 6 * kMega + 0x1234}), 6 * kMega, 7 * kMega - 1);
  expect_range(extents.widen({9 * kMega, 9 * kMega}), 9 * kMega, 9 * kMega + 0xfff);
}

TEST(LeafExtents, WidenByTheLargestLeafThatMayBeTouched) {
  LeafExtents extents;
  extents.note(kGiga, kGiga);
  extents.note(kGiga - kMega, kMega);
  expect_range(extents.widen({kGiga - 1, kGiga}), kGiga - kMega, 2 * kGiga - 1);
}

TEST(LeafExtents, ReachTheEndOfTheAddressSpace) {
  LeafExtents extents;
  extents.note(~uint64_t{0} - 5, kGiga);
  expect_range(extents.widen({~uint64_t{0} - 0x1fff, ~uint64_t{0} - 0x1fff}), ~uint64_t{0} - (kGiga - 1), ~uint64_t{0});
}

TEST(LeafExtents, WithMoreSizesThanThereIsRoomForNameTooMuch) {
  LeafExtents extents;
  for (unsigned shift = 13; shift < 23; ++shift) extents.note(uint64_t{1} << 40, uint64_t{1} << shift);
  const VirtualRange range = extents.widen({uint64_t{1} << 40, uint64_t{1} << 40});
  EXPECT_EQ(range.first, uint64_t{1} << 40);
  EXPECT_GE(range.last, (uint64_t{1} << 40) + (uint64_t{1} << 22) - 1);
}

TEST(LeafExtents, ForgetWhenCleared) {
  LeafExtents extents;
  extents.note(0, kGiga);
  extents.clear();
  expect_range(extents.widen({0x1000, 0x1000}), 0x1000, 0x1fff);
}

}  // namespace
}  // namespace emu::mmu
