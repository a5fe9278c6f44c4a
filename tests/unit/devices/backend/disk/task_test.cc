#include "devices/backend/disk/task.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "devices/backend/disk/async_lock.h"

namespace devices {
namespace {

Task<int> plain(int value) { co_return value; }

Task<long> sum(int count) {
  long total = 0;
  for (int i = 0; i < count; ++i) total += co_await plain(i);
  co_return total;
}

TEST(Task, ALoopOverTasksThatNeedNotWaitUsesNoStack) {
  constexpr int kMany = 1'000'000;
  Task<long> task = sum(kMany);
  ASSERT_TRUE(task.start());
  EXPECT_EQ(task.take(), long{kMany} * (kMany - 1) / 2);
}

Task<hv::Result<int>> half(int value) {
  if (value % 2 != 0) co_return hv::error("{} is odd", value);
  co_return value / 2;
}

Task<hv::Result<int>> quarter(int value) {
  CO_LET(first, co_await half(value));
  CO_LET(second, co_await half(first));
  co_return second;
}

TEST(Task, ErrorsEndTheCoroutineThatTriesThem) {
  Task<hv::Result<int>> good = quarter(20);
  Task<hv::Result<int>> bad = quarter(6);
  ASSERT_TRUE(good.start());
  ASSERT_TRUE(bad.start());
  EXPECT_EQ(*good.take(), 5);
  EXPECT_EQ(bad.take().error().message, "3 is odd");
}

Task<int> wait_for(WaitQueue& queue, int value) {
  co_await queue.wait();
  co_return value;
}

Task<int> wait_twice(WaitQueue& queue) {
  const int first = co_await wait_for(queue, 1);
  const int second = co_await wait_for(queue, 2);
  co_return first * 10 + second;
}

TEST(Task, GoesOnWhenWhatItAwaitsEnds) {
  WaitQueue queue;
  Task<int> task = wait_twice(queue);
  EXPECT_FALSE(task.start());
  queue.wake_all();
  EXPECT_FALSE(task.done());
  queue.wake_all();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 12);
}

Detached hold_briefly(AsyncLock& lock, std::vector<int>& order, int number) {
  const AsyncLock::Guard guard = co_await lock.acquire();
  order.push_back(number);
}

Detached hold_until_woken(AsyncLock& lock, WaitQueue& queue) {
  const AsyncLock::Guard guard = co_await lock.acquire();
  co_await queue.wait();
}

TEST(AsyncLock, IsPassedOnInOrderHoweverManyWait) {
  constexpr int kMany = 200'000;
  AsyncLock lock;
  WaitQueue queue;
  std::vector<int> order;
  hold_until_woken(lock, queue);
  for (int i = 0; i < kMany; ++i) hold_briefly(lock, order, i);
  EXPECT_TRUE(order.empty());
  queue.wake_all();
  ASSERT_EQ(order.size(), size_t{kMany});
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_FALSE(lock.locked());
}

}  // namespace
}  // namespace devices
