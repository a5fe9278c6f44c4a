#include "devices/backend/disk/table_cache.h"

#include <optional>

#include <gtest/gtest.h>

namespace devices::qcow2 {
namespace {

constexpr uint64_t kTableSize = 512;

/// A cache whose loads wait until they are let go.
class TableCacheTest : public ::testing::Test {
 protected:
  Task<hv::Result<void>> load(uint64_t key, std::span<std::byte> out) {
    ++loads_;
    if (hold_) co_await held_.wait();
    if (fail_) co_return hv::error("cannot load {}", key);
    hv::store_be(out.data(), key);
    co_return hv::Result<void>{};
  }
  uint64_t value(uint64_t key) {
    Task<hv::Result<TableCache::TablePointer>> task = cache_.get(key);
    EXPECT_TRUE(task.start());
    return (*task.take())->entry(0);
  }

  bool hold_ = false;
  bool fail_ = false;
  unsigned loads_ = 0;
  WaitQueue held_;
  TableCache cache_{kTableSize, 8 * kTableSize,
                    [this](uint64_t key, std::span<std::byte> out) { return load(key, out); }};
};

TEST_F(TableCacheTest, LoadsOnceForAllThatAsk) {
  hold_ = true;
  Task<hv::Result<TableCache::TablePointer>> first = cache_.get(7);
  Task<hv::Result<TableCache::TablePointer>> second = cache_.get(7);
  EXPECT_FALSE(first.start());
  EXPECT_FALSE(second.start());
  EXPECT_EQ(cache_.find(7), nullptr);
  held_.wake_all();
  ASSERT_TRUE(first.done() && second.done());
  EXPECT_EQ(*first.take(), *second.take());
  EXPECT_EQ(loads_, 1u);
}

TEST_F(TableCacheTest, AFailedLoadIsTriedAgain) {
  fail_ = true;
  Task<hv::Result<TableCache::TablePointer>> task = cache_.get(7);
  ASSERT_TRUE(task.start());
  EXPECT_EQ(task.take().error().message, "cannot load 7");
  fail_ = false;
  EXPECT_EQ(value(7), 7u);
}

TEST_F(TableCacheTest, TheLeastRecentlyUsedCleanTableGoes) {
  for (uint64_t key = 1; key <= 8; ++key) EXPECT_EQ(value(key), key);
  cache_.mark_dirty(*cache_.find(2));
  EXPECT_EQ(value(1), 1u);  // used again
  EXPECT_EQ(value(9), 9u);
  EXPECT_TRUE(cache_.contains(1));
  EXPECT_TRUE(cache_.contains(2));
  EXPECT_FALSE(cache_.contains(3));
}

TEST_F(TableCacheTest, DirtyTablesAreStoredInOrderAndStayDirtyAfterAFailure) {
  for (const uint64_t key : {uint64_t{5}, uint64_t{3}, uint64_t{4}}) cache_.set_entry(*cache_.create(key), 0, key);
  std::vector<uint64_t> stored;
  const auto write_back = [&](std::optional<uint64_t> failing) {
    const TableCache::Store store = [&](uint64_t key, std::span<const std::byte>) -> Task<hv::Result<void>> {
      if (key == failing) co_return hv::error("no");
      stored.push_back(key);
      co_return hv::Result<void>{};
    };
    Task<hv::Result<void>> task = cache_.write_back(store);
    EXPECT_TRUE(task.start());
    return task.take().has_value();
  };
  EXPECT_FALSE(write_back(4));
  EXPECT_TRUE(cache_.any_dirty());
  EXPECT_TRUE(write_back(std::nullopt));
  EXPECT_FALSE(cache_.any_dirty());
  EXPECT_EQ(stored, (std::vector<uint64_t>{3, 4, 5}));
}

}  // namespace
}  // namespace devices::qcow2
