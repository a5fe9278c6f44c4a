#include "devices/irq/aclint.h"

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/devices/random_mmio.h"

namespace devices {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kMtimecmp = 0x4000;
constexpr uint64_t kMtime = 0xbff8;
constexpr uint64_t kTenMegahertz = 10'000'000;

bool becomes_true(const std::atomic<bool>& flag) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!flag && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  return flag;
}

class AclintTest : public ::testing::Test {
 protected:
  AclintMachine::Outputs outputs() {
    return {.software = [this](unsigned hart, bool level) { software[hart] = level; },
            .timer = [this](unsigned hart, bool level) { timer[hart] = level; },
            .clock_changed = [this] { ++clock_changes; }};
  }

  std::array<std::atomic<bool>, 2> software{};
  std::array<std::atomic<bool>, 2> timer{};
  std::atomic<int> clock_changes = 0;
  hv::AlarmService alarms;
  hv::GuestClock clock{kTenMegahertz};
  AclintMachine aclint{2, clock, alarms, outputs()};
};

TEST_F(AclintTest, MsipDrivesTheHartsSoftwareInterrupt) {
  aclint.bus_write(4, 4, 0xffff'ffff);
  EXPECT_EQ(aclint.bus_read(4, 4), 1u);
  EXPECT_TRUE(software[1]);
  EXPECT_FALSE(software[0]);
  aclint.bus_write(4, 4, 0xffff'fffe);
  EXPECT_EQ(aclint.bus_read(4, 4), 0u);
  EXPECT_FALSE(software[1]);
}

TEST_F(AclintTest, TheTimerInterruptsWhenItsTimeComes) {
  const uint64_t when = clock.ticks() + kTenMegahertz / 200;
  aclint.bus_write(kMtimecmp + 8, 8, when);
  EXPECT_FALSE(timer[1] && clock.ticks() < when);
  ASSERT_TRUE(becomes_true(timer[1]));
  EXPECT_GE(clock.ticks(), when);
  EXPECT_FALSE(timer[0]);
}

TEST_F(AclintTest, APastTimeInterruptsAtOnceAndAFutureOneClears) {
  clock.set_ticks(1000);
  aclint.bus_write(kMtimecmp, 8, 1000);
  EXPECT_TRUE(timer[0]);
  aclint.bus_write(kMtimecmp, 8, uint64_t{1} << 60);
  EXPECT_FALSE(timer[0]);
}

TEST_F(AclintTest, HalvesOfTheTimerRegistersCanBeWritten) {
  clock.set_ticks(uint64_t{5} << 32);
  aclint.bus_write(kMtimecmp, 4, 0xffff'ffff);
  aclint.bus_write(kMtimecmp + 4, 4, 4);
  EXPECT_TRUE(timer[0]);
  EXPECT_EQ(aclint.bus_read(kMtimecmp, 8), 0x4'ffff'ffffu);
  EXPECT_EQ(aclint.bus_read(kMtimecmp + 4, 4), 4u);
  EXPECT_EQ(aclint.bus_read(kMtime + 4, 4), 5u);
}

TEST_F(AclintTest, MtimeIsTheMachinesClock) {
  aclint.bus_write(kMtime, 8, uint64_t{1} << 50);
  EXPECT_GE(clock.ticks(), uint64_t{1} << 50);
  EXPECT_GE(aclint.bus_read(kMtime, 8), uint64_t{1} << 50);
  EXPECT_EQ(clock_changes, 1);
}

TEST_F(AclintTest, SettingTheClockMovesTheTimers) {
  aclint.bus_write(kMtimecmp, 8, uint64_t{1} << 40);
  aclint.bus_write(kMtime, 8, uint64_t{1} << 40);
  EXPECT_TRUE(timer[0]);
  aclint.bus_write(kMtime, 8, 0);
  EXPECT_FALSE(timer[0]);
}

TEST_F(AclintTest, ASavedStateGoesOnInAnother) {
  aclint.bus_write(0, 4, 1);
  aclint.bus_write(kMtimecmp, 8, clock.ticks() + kTenMegahertz / 100);
  aclint.bus_write(kMtimecmp + 8, 8, 0);
  hv::StateWriter writer;
  aclint.save(writer);
  aclint.bus_write(0, 4, 0);
  aclint.bus_write(kMtimecmp, 8, ~uint64_t{0});
  aclint.bus_write(kMtimecmp + 8, 8, ~uint64_t{0});
  timer[0] = timer[1] = false;
  AclintMachine other(2, clock, alarms, outputs());
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_TRUE(software[0]);
  EXPECT_TRUE(timer[1]);
  EXPECT_TRUE(becomes_true(timer[0]));
  EXPECT_EQ(other.bus_read(0, 4), 1u);
}

TEST_F(AclintTest, RefusesTheStateOfAnotherNumberOfHarts) {
  hv::StateWriter writer;
  aclint.save(writer);
  AclintMachine other(1, clock, alarms, outputs());
  hv::StateReader reader(writer.data());
  EXPECT_FALSE(other.load(reader));
}

TEST_F(AclintTest, SurvivesAnyAccess) {
  access_at_random(aclint, AclintMachine::kSize);
  aclint.bus_write(4, 4, 1);
  EXPECT_EQ(aclint.bus_read(4, 4), 1u);
}

TEST_F(AclintTest, EachHartSetsItsTimerWhileTheClockIsSet) {
  std::vector<std::jthread> threads;
  for (uint64_t hart = 0; hart < 2; ++hart) {
    threads.emplace_back([this, hart] {
      for (uint64_t i = 0; i < 500; ++i) {
        aclint.bus_write(kMtimecmp + 8 * hart, 8, clock.ticks() + i % 50);
        aclint.bus_write(4 * hart, 4, i % 2);
      }
      aclint.bus_write(kMtimecmp + 8 * hart, 8, 0);
    });
  }
  for (int i = 0; i < 100; ++i) aclint.bus_write(kMtime, 8, 1000);
  threads.clear();
  EXPECT_TRUE(timer[0] && timer[1]);
}

TEST(AclintSupervisorSoftware, OneSetsTheHartsInterruptAndItReadsAsZero) {
  std::array<int, 2> count{};
  AclintSupervisorSoftware sswi(2, [&](unsigned hart) { ++count[hart]; });
  sswi.bus_write(4, 4, 1);
  sswi.bus_write(4, 4, 0);
  sswi.bus_write(0, 8, 1);
  sswi.bus_write(8, 4, 1);
  EXPECT_EQ(count[0], 0);
  EXPECT_EQ(count[1], 1);
  EXPECT_EQ(sswi.bus_read(4, 4), 0u);
  access_at_random(sswi, AclintSupervisorSoftware::kSize, 1000);
}

}  // namespace
}  // namespace devices
