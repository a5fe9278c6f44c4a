#include "hv/core/alarm.h"

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>

#include <gtest/gtest.h>

namespace hv {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 10s;

TEST(Alarm, FiresAtItsTimeAndNotBefore) {
  AlarmService service;
  std::binary_semaphore fired{0};
  Alarm::Time at{};
  Alarm alarm(service, [&] {
    at = steady_clock::now();
    fired.release();
  });
  const auto when = steady_clock::now() + 5ms;
  alarm.set(when);
  ASSERT_TRUE(fired.try_acquire_for(kPatience));
  EXPECT_GE(at, when);
}

TEST(Alarm, AnEarlierTimeReplacesALaterOne) {
  AlarmService service;
  std::binary_semaphore fired{0};
  Alarm alarm(service, [&] { fired.release(); });
  alarm.set(steady_clock::now() + 1h);
  alarm.set(steady_clock::now() + 1ms);
  EXPECT_TRUE(fired.try_acquire_for(kPatience));
  EXPECT_FALSE(fired.try_acquire_for(5ms));
}

TEST(Alarm, ALaterTimeReplacesAnEarlierOne) {
  AlarmService service;
  std::binary_semaphore fired{0};
  Alarm alarm(service, [&] { fired.release(); });
  alarm.set(steady_clock::now() + 5ms);
  alarm.set(steady_clock::now() + 1h);
  EXPECT_FALSE(fired.try_acquire_for(20ms));
}

TEST(Alarm, ACancelledAlarmDoesNotFire) {
  AlarmService service;
  std::binary_semaphore fired{0};
  Alarm alarm(service, [&] { fired.release(); });
  alarm.set(steady_clock::now() + 5ms);
  alarm.cancel();
  EXPECT_FALSE(fired.try_acquire_for(20ms));
}

TEST(Alarm, FiresInOrderOfTime) {
  AlarmService service;
  std::string order;
  std::counting_semaphore<> fired{0};
  Alarm first(service, [&] {
    order += 'a';
    fired.release();
  });
  Alarm second(service, [&] {
    order += 'b';
    fired.release();
  });
  const auto now = steady_clock::now();
  second.set(now + 20ms);
  first.set(now + 10ms);
  ASSERT_TRUE(fired.try_acquire_for(kPatience));
  ASSERT_TRUE(fired.try_acquire_for(kPatience));
  EXPECT_EQ(order, "ab");
}

TEST(Alarm, MaySetItselfAgainFromItsCallback) {
  AlarmService service;
  std::counting_semaphore<> fired{0};
  Alarm* self = nullptr;
  Alarm alarm(service, [&] {
    self->set(steady_clock::now());
    fired.release();
  });
  self = &alarm;
  alarm.set(steady_clock::now());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(fired.try_acquire_for(kPatience));
}

TEST(Alarm, DestructionWaitsForARunningCallback) {
  AlarmService service;
  std::latch started{1};
  std::atomic<bool> ended = false;
  auto alarm = std::make_unique<Alarm>(service, [&] {
    started.count_down();
    std::this_thread::sleep_for(10ms);
    ended = true;
  });
  alarm->set(steady_clock::now());
  started.wait();
  alarm.reset();
  EXPECT_TRUE(ended);
}

TEST(Alarm, MayBeDestroyedByItsOwnCallback) {
  AlarmService service;
  std::binary_semaphore fired{0};
  std::unique_ptr<Alarm> alarm;
  alarm = std::make_unique<Alarm>(service, [&] {
    alarm.reset();
    fired.release();
  });
  alarm->set(steady_clock::now());
  EXPECT_TRUE(fired.try_acquire_for(kPatience));
}

TEST(Alarm, ManyThreadsSetAndCancelAtOnce) {
  AlarmService service;
  std::atomic<int> fired = 0;
  {
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 4; ++i) alarms.push_back(std::make_unique<Alarm>(service, [&] { ++fired; }));
    std::vector<std::jthread> threads;
    for (auto& alarm : alarms) {
      threads.emplace_back([&alarm] {
        for (int i = 0; i < 200; ++i) {
          alarm->set(steady_clock::now() + std::chrono::microseconds(i % 7));
          std::this_thread::yield();
          alarm->cancel();
        }
        alarm->set(steady_clock::now());
      });
    }
    threads.clear();
    while (fired < 4) std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(fired, 4);
}

}  // namespace
}  // namespace hv
