#include "emu/jit/x64/window_slots.h"

#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace emu::jit::x64 {
namespace {

TEST(WindowSlots, AreSharedByAccessesOfOneKindLimitAndPlaceOnly) {
  WindowSlots slots;
  std::map<int32_t, std::set<std::tuple<bool, int32_t, bool>>> kinds;
  for (unsigned round = 0; round < 2 * mmu::Windows::kCount; ++round) {
    for (const unsigned size : {1u, 8u, 9u, 64u, 200u, 256u}) {
      for (const bool stores : {false, true}) {
        for (const bool on_stack : {false, true}) {
          const WindowSlots::Slot slot = slots.next(size, stores, on_stack);
          kinds[slot.number].insert({stores, slot.limit, on_stack});
        }
      }
    }
  }
  EXPECT_EQ(kinds.size(), mmu::Windows::kCount);
  for (const auto& [number, of_slot] : kinds) EXPECT_EQ(of_slot.size(), 1) << number;
}

TEST(WindowSlots, OfStoresAreWhereTheThunkLooksForThem) {
  WindowSlots slots;
  for (const unsigned size : {1u, 64u, 256u}) {
    for (const bool stores : {false, true}) {
      const auto number = static_cast<size_t>(slots.next(size, stores, false).number);
      EXPECT_EQ(number % mmu::Windows::kGroup >= mmu::Windows::kFirstStores, stores);
    }
  }
}

TEST(WindowSlots, KeepTheLastByteInThePage) {
  WindowSlots slots;
  for (int32_t size = 1; size <= 256; ++size) {
    const int32_t last_offset = slots.next(static_cast<unsigned>(size), false, false).limit - 1;
    EXPECT_LE(last_offset + size, static_cast<int32_t>(hv::kGuestPageSize));
  }
}

}  // namespace
}  // namespace emu::jit::x64
