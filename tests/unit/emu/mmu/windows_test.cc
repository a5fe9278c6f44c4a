#include "emu/mmu/windows.h"

#include <memory>

#include <gtest/gtest.h>

#include "emu/mmu/tlb.h"

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;

class WindowsTest : public testing::Test {
 protected:
  WindowsTest() {
    tlb_.entries();
    tlb_.show_through(windows_.get());
    for (uint16_t number = 0; number < 4; ++number) {
      windows_->all[number] = {.base = number * kPage, .limit = kPage, .is_listed = true};
      windows_->open[windows_->open_count++] = number;
    }
  }

  bool is_open(size_t number) const { return windows_->all[number].limit != 0; }
  size_t opened() const {
    size_t count = 0;
    for (size_t number = 0; number < Windows::kCount; ++number) count += is_open(number) ? 1 : 0;
    EXPECT_EQ(windows_->open_count, count);
    return count;
  }

  std::unique_ptr<Windows> windows_ = std::make_unique<Windows>();
  Tlb tlb_;
};

TEST_F(WindowsTest, CloseWhenTheirTableIsFlushed) {
  tlb_.flush();
  EXPECT_EQ(opened(), 0);
}

TEST_F(WindowsTest, CloseWhenWhatIsNotGlobalIsFlushed) {
  tlb_.flush_local();
  EXPECT_EQ(opened(), 0);
}

TEST_F(WindowsTest, CloseWhenThePermissionToWriteIsTaken) {
  tlb_.drop_writes();
  EXPECT_EQ(opened(), 0);
}

TEST_F(WindowsTest, OfAFlushedRangeClose) {
  tlb_.flush(VirtualRange{.first = kPage + 8, .last = 3 * kPage - 1});
  EXPECT_EQ(opened(), 2);
  EXPECT_TRUE(is_open(0));
  EXPECT_FALSE(is_open(1));
  EXPECT_FALSE(is_open(2));
  EXPECT_TRUE(is_open(3));
}

TEST_F(WindowsTest, StayWhenATableFlushesThatTheyDoNotShow) {
  Tlb other;
  other.entries();
  other.flush();
  tlb_.show_through(nullptr);
  tlb_.flush();
  EXPECT_EQ(opened(), 4);
}

TEST_F(WindowsTest, CanBeListedAgainOnceClosed) {
  windows_->close();
  EXPECT_FALSE(windows_->all[0].is_listed);
}

TEST_F(WindowsTest, ThatShowSeveralPagesCloseWithAnyOfThem) {
  windows_->all[0].limit = 3 * kPage;
  tlb_.flush(VirtualRange{.first = 2 * kPage, .last = 3 * kPage - 1});
  EXPECT_FALSE(is_open(0));
  EXPECT_TRUE(is_open(1));
  EXPECT_FALSE(is_open(2));
}

TEST_F(WindowsTest, ForgetThatTheyRoamedWhenTheyClose) {
  windows_->roamed[windows_->roamed_count++] = 3;
  windows_->close();
  EXPECT_EQ(windows_->roamed_count, 0);
}

}  // namespace
}  // namespace emu::mmu
