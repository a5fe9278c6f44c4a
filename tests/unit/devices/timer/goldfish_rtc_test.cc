#include "devices/timer/goldfish_rtc.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/test_interrupt.h"
#include "tests/unit/devices/random_mmio.h"

namespace devices {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kTimeLow = 0x00;
constexpr uint64_t kTimeHigh = 0x04;
constexpr uint64_t kAlarmLow = 0x08;
constexpr uint64_t kAlarmHigh = 0x0c;
constexpr uint64_t kIrqEnabled = 0x10;
constexpr uint64_t kClearAlarm = 0x14;
constexpr uint64_t kAlarmStatus = 0x18;
constexpr uint64_t kClearInterrupt = 0x1c;

class GoldfishRtcTest : public ::testing::Test {
 protected:
  // As Linux's rtc-goldfish driver does it.
  static uint64_t read_time(GoldfishRtc& rtc) {
    const uint64_t low = rtc.bus_read(kTimeLow, 4);
    return (rtc.bus_read(kTimeHigh, 4) << 32) | low;
  }
  void set_time(uint64_t time) {
    rtc.bus_write(kTimeHigh, 4, time >> 32);
    rtc.bus_write(kTimeLow, 4, time & 0xffff'ffff);
  }
  void set_alarm(uint64_t time) {
    rtc.bus_write(kAlarmHigh, 4, time >> 32);
    rtc.bus_write(kAlarmLow, 4, time & 0xffff'ffff);
    rtc.bus_write(kIrqEnabled, 4, 1);
  }

  std::atomic<uint64_t> host = 0x1234'5678'9abc'def0;
  test::TestInterrupt pin;
  hv::AlarmService alarms;
  GoldfishRtc rtc{alarms, hv::InterruptLine(pin, 11), [this] { return host.load(); }};
};

TEST_F(GoldfishRtcTest, ShowsTheHostsTime) { EXPECT_EQ(read_time(rtc), host); }

TEST_F(GoldfishRtcTest, TheHighHalfBelongsToTheLowHalfReadBefore) {
  host = 0x1'ffff'ffff;
  EXPECT_EQ(rtc.bus_read(kTimeLow, 4), 0xffff'ffffu);
  host = 0x2'0000'0000;
  EXPECT_EQ(rtc.bus_read(kTimeHigh, 4), 1u);
}

TEST_F(GoldfishRtcTest, TheGuestsTimeGoesOnFromWhereItWasSet) {
  set_time(5'000'000'000);
  host += 7;
  EXPECT_EQ(read_time(rtc), 5'000'000'007u);
}

TEST_F(GoldfishRtcTest, AnAlarmInThePastInterruptsAtOnce) {
  set_alarm(host - 1);
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(rtc.bus_read(kAlarmStatus, 4), 0u);
  rtc.bus_write(kClearInterrupt, 4, 1);
  EXPECT_FALSE(pin.level());
}

TEST_F(GoldfishRtcTest, AnAlarmRingsWhenItsTimeComes) {
  rtc.bus_write(kIrqEnabled, 4, 1);
  const uint64_t when = host + 2'000'000;
  set_alarm(when);
  EXPECT_EQ(rtc.bus_read(kAlarmStatus, 4), 1u);
  EXPECT_FALSE(pin.level());
  host = when;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!pin.level() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(pin.level());
}

TEST_F(GoldfishRtcTest, AnAlarmWaitsForTheGuestsClockWhenTheHostsStandsStill) {
  set_alarm(host + 1'000'000);
  std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(pin.level());
}

TEST_F(GoldfishRtcTest, SettingTheTimePastAnAlarmRingsIt) {
  set_alarm(host + 3'600'000'000'000);
  set_time(host + 3'600'000'000'000);
  EXPECT_TRUE(pin.level());
}

TEST_F(GoldfishRtcTest, AClearedAlarmDoesNotRing) {
  set_alarm(host + 1'000'000'000);
  rtc.bus_write(kClearAlarm, 4, 1);
  EXPECT_EQ(rtc.bus_read(kAlarmStatus, 4), 0u);
  set_time(host + 2'000'000'000);
  EXPECT_FALSE(pin.level());
}

TEST_F(GoldfishRtcTest, ThePinNeedsTheInterruptEnabled) {
  set_alarm(host);
  EXPECT_TRUE(pin.level());
  rtc.bus_write(kIrqEnabled, 4, 0);
  EXPECT_FALSE(pin.level());
  rtc.bus_write(kIrqEnabled, 4, 1);
  EXPECT_TRUE(pin.level());
}

TEST_F(GoldfishRtcTest, ASavedStateGoesOnInAnother) {
  set_time(9'000'000'000);
  set_alarm(10'000'000'000);
  hv::StateWriter writer;
  rtc.save(writer);
  test::TestInterrupt other_pin;
  GoldfishRtc other(alarms, hv::InterruptLine(other_pin, 11), [this] { return host.load(); });
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(read_time(other), 9'000'000'000u);
  EXPECT_EQ(other.bus_read(kAlarmStatus, 4), 1u);
  EXPECT_FALSE(other_pin.level());
  host += 2'000'000'000;
  hv::StateReader late(writer.data());
  ASSERT_TRUE(other.load(late));
  EXPECT_TRUE(other_pin.level());
}

TEST_F(GoldfishRtcTest, SurvivesAnyAccess) {
  access_at_random(rtc, GoldfishRtc::kSize);
  set_time(77);
  EXPECT_EQ(read_time(rtc), 77u);
}

TEST(GoldfishRtc, ShowsTheRealTimeByDefault) {
  hv::AlarmService alarms;
  GoldfishRtc rtc(alarms, {});
  const uint64_t low = rtc.bus_read(kTimeLow, 4);
  const uint64_t seconds = ((rtc.bus_read(kTimeHigh, 4) << 32) | low) / 1'000'000'000;
  EXPECT_NEAR(static_cast<double>(seconds), static_cast<double>(time(nullptr)), 2.0);
}

}  // namespace
}  // namespace devices
