#include "hv/core/guest_clock.h"

#include <gtest/gtest.h>

namespace hv {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr uint64_t kTenMegahertz = 10'000'000;

TEST(GuestClock, StartsAtZeroAndDoesNotGoBack) {
  const GuestClock clock(kTenMegahertz);
  const uint64_t first = clock.ticks();
  const uint64_t second = clock.ticks();
  EXPECT_LT(first, kTenMegahertz);
  EXPECT_LE(first, second);
}

TEST(GuestClock, HasReachedATickAtItsTime) {
  const GuestClock clock(kTenMegahertz);
  const uint64_t tick = clock.ticks() + kTenMegahertz / 1000;
  const auto when = clock.time_of(tick);
  EXPECT_GT(when, steady_clock::now() - 1ms);
  EXPECT_LE(when, steady_clock::now() + 1ms);
  while (steady_clock::now() < when) {
  }
  EXPECT_GE(clock.ticks(), tick);
}

TEST(GuestClock, APastTickIsDueNow) {
  GuestClock clock(kTenMegahertz);
  clock.set_ticks(1'000'000);
  EXPECT_LE(clock.time_of(5), steady_clock::now());
}

TEST(GuestClock, AFarTickStaysRepresentable) {
  const GuestClock clock(1);
  const auto when = clock.time_of(~uint64_t{0});
  EXPECT_GT(when, steady_clock::now() + std::chrono::hours(24 * 365 * 50));
}

TEST(GuestClock, CountsOnFromWhatItIsSetTo) {
  GuestClock clock(1'000'000'000);
  clock.set_ticks(uint64_t{1} << 60);
  EXPECT_GE(clock.ticks(), uint64_t{1} << 60);
  EXPECT_LT(clock.ticks(), (uint64_t{1} << 60) + 60'000'000'000);
}

TEST(GuestClock, CanBeSetBackToTheLastTickBeforeItWraps) {
  GuestClock clock(1);
  clock.set_ticks(~uint64_t{0});
  EXPECT_EQ(clock.ticks(), ~uint64_t{0});
}

TEST(GuestClock, ARestoredClockGoesOnWhereItWas) {
  GuestClock saved(kTenMegahertz);
  saved.set_ticks(77'000'000'000);
  StateWriter writer;
  saved.save(writer);
  GuestClock restored(kTenMegahertz);
  StateReader reader(writer.data());
  ASSERT_TRUE(restored.load(reader));
  EXPECT_GE(restored.ticks(), 77'000'000'000u);
  EXPECT_LT(restored.ticks(), 77'000'000'000u + 60 * kTenMegahertz);
}

TEST(GuestClock, RefusesAnotherFrequency) {
  StateWriter writer;
  GuestClock(kTenMegahertz).save(writer);
  GuestClock other(1'000);
  StateReader reader(writer.data());
  EXPECT_FALSE(other.load(reader));
}

}  // namespace
}  // namespace hv
