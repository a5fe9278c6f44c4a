#include "emu/jit/x64/window_slots.h"

#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace emu::jit::x64 {
namespace {

TEST(WindowSlots, AreSharedByAccessesOfOneKindAndLimitOnly) {
  WindowSlots slots;
  std::map<int32_t, std::set<std::tuple<bool, int32_t>>> kinds;
  for (unsigned round = 0; round < 2 * mmu::Windows::kCount; ++round) {
    for (const unsigned size : {1u, 8u, 9u, 64u, 200u, 256u}) {
      for (const bool stores : {false, true}) {
        const WindowSlots::Slot slot = slots.next(size, stores);
        kinds[slot.number].insert({stores, slot.limit});
      }
    }
  }
  EXPECT_EQ(kinds.size(), mmu::Windows::kCount);
  for (const auto& [number, of_slot] : kinds) EXPECT_EQ(of_slot.size(), 1) << number;
}

TEST(WindowSlots, KeepTheLastByteInThePage) {
  WindowSlots slots;
  for (int32_t size = 1; size <= 256; ++size) {
    const int32_t last_offset = slots.next(static_cast<unsigned>(size), false).limit - 1;
    EXPECT_LE(last_offset + size, static_cast<int32_t>(hv::kGuestPageSize));
  }
}

}  // namespace
}  // namespace emu::jit::x64
