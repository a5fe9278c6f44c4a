#include "devices/event_loop.h"

#include <atomic>
#include <latch>
#include <pthread.h>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

namespace devices {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsTasksInOrderOnItsOwnNamedThread) {
  EventLoop loop("test-loop");
  loop.start();
  std::string order;
  char name[16] = {};
  loop.post([&] { order += 'a'; });
  loop.post([&] { order += 'b'; });
  loop.run_and_wait([&] {
    order += 'c';
    pthread_getname_np(pthread_self(), name, sizeof name);
    order += loop.on_loop_thread() ? '+' : '-';
  });
  EXPECT_EQ(order, "abc+");
  EXPECT_STREQ(name, "test-loop");
  EXPECT_FALSE(loop.on_loop_thread());
}

TEST(EventLoop, StoodStillItKeepsWhatIsPosted) {
  EventLoop loop("test-loop");
  std::atomic<int> ran = 0;
  loop.post([&] { ++ran; });
  loop.start();
  loop.run_and_wait([] {});
  EXPECT_EQ(ran, 1);
  loop.stop();
  loop.post([&] { ++ran; });
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(ran, 1);
  loop.start();
  loop.run_and_wait([] {});
  EXPECT_EQ(ran, 2);
}

TEST(EventLoop, StoodStillItRunsAWaitedTaskInTheCaller) {
  EventLoop loop("test-loop");
  std::thread::id ran_on;
  loop.run_and_wait([&] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(EventLoop, AWaitedTaskMayWaitForAnother) {
  EventLoop loop("test-loop");
  loop.start();
  bool inner = false;
  loop.run_and_wait([&] { loop.run_and_wait([&] { inner = true; }); });
  EXPECT_TRUE(inner);
}

TEST(EventLoop, StoppingItFreesWhoWaits) {
  EventLoop loop("test-loop");
  loop.start();
  std::latch blocked{1};
  std::latch release{1};
  loop.post([&] {
    blocked.count_down();
    release.wait();
  });
  blocked.wait();
  std::atomic<int> ran = 0;
  std::thread waiter([&] { loop.run_and_wait([&] { ++ran; }); });
  std::this_thread::sleep_for(2ms);
  std::thread stopper([&] { loop.stop(); });
  std::this_thread::sleep_for(2ms);
  release.count_down();
  waiter.join();
  stopper.join();
  EXPECT_EQ(ran, 1);
  loop.start();
  loop.run_and_wait([] {});
  EXPECT_EQ(ran, 1);
}

TEST(EventLoop, PendingTasksAreDestroyedUnrun) {
  const auto token = std::make_shared<int>(1);
  bool ran = false;
  {
    EventLoop loop("test-loop");
    loop.post([&ran, token] { ran = true; });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(EventLoop, RunsTimersOfItsContext) {
  EventLoop loop("test-loop");
  loop.start();
  std::latch fired{1};
  boost::asio::steady_timer timer(loop.context(), 1ms);
  timer.async_wait([&](boost::system::error_code) { fired.count_down(); });
  fired.wait();
  loop.stop();
}

TEST(EventLoop, ManyThreadsPostAndWaitAtOnce) {
  EventLoop loop("test-loop");
  loop.start();
  int count = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        loop.post([&] { ++count; });
        loop.run_and_wait([&] { ++count; });
      }
    });
  }
  threads.clear();
  EXPECT_EQ(count, 4 * 200);
}

}  // namespace
}  // namespace devices
