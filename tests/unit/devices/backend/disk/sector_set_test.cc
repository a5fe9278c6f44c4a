#include "devices/backend/disk/sector_set.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace devices {
namespace {

TEST(SectorSet, RunsMatchAFlatBitmap) {
  constexpr uint64_t kSectors = 100'000;
  SectorSet set(kSectors);
  std::vector<bool> model(kSectors);
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const uint64_t first = random() % kSectors;
    const uint64_t count =
        std::min<uint64_t>(random() % 3 == 0 ? random() % 5000 + 1 : random() % 9 + 1, kSectors - first);
    set.insert(first, count);
    std::fill_n(model.begin() + static_cast<ptrdiff_t>(first), count, true);

    const uint64_t from = random() % kSectors;
    const uint64_t limit = std::min<uint64_t>(random() % 40'000 + 1, kSectors - from);
    uint64_t expected = 0;
    while (expected < limit && model[from + expected] == model[from]) ++expected;
    ASSERT_EQ(set.run(from, limit), expected);
    ASSERT_EQ(set.contains(from), model[from]);
  }
}

}  // namespace
}  // namespace devices
