#include "devices/timer/pl031.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/test_interrupt.h"

namespace devices {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kData = 0x00;
constexpr uint64_t kMatch = 0x04;
constexpr uint64_t kLoad = 0x08;
constexpr uint64_t kMask = 0x10;
constexpr uint64_t kRaw = 0x14;
constexpr uint64_t kClear = 0x1c;
constexpr uint64_t kSecond = 1'000'000'000;

class Pl031Test : public ::testing::Test {
 protected:
  std::atomic<uint64_t> host = 1'700'000'000 * kSecond;
  test::TestInterrupt pin;
  hv::AlarmService alarms;
  Pl031 rtc{alarms, hv::InterruptLine(pin, 2), [this] { return host.load(); }};
};

TEST_F(Pl031Test, SaysWhatItIs) {
  uint64_t identity = 0;
  for (uint64_t i = 0; i < 8; ++i) identity |= rtc.bus_read(0xfe0 + 4 * i, 4) << (8 * i);
  EXPECT_EQ(identity, 0xb105'f00d'0004'1031u);
}

TEST_F(Pl031Test, ShowsTheHostsTimeAndWhatItWasSetTo) {
  EXPECT_EQ(rtc.bus_read(kData, 4), 1'700'000'000u);
  rtc.bus_write(kLoad, 4, 1000);
  host += 5 * kSecond;
  EXPECT_EQ(rtc.bus_read(kData, 4), 1005u);
}

TEST_F(Pl031Test, InterruptsAtTheMatch) {
  rtc.bus_write(kMask, 4, 1);
  rtc.bus_write(kMatch, 4, 1'700'000'000);
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(rtc.bus_read(kRaw, 4), 1u);
  rtc.bus_write(kClear, 4, 1);
  EXPECT_FALSE(pin.level());
}

TEST_F(Pl031Test, WaitsForTheMatch) {
  host = 1'700'000'000 * kSecond + kSecond - 20'000'000;
  rtc.bus_write(kMask, 4, 1);
  rtc.bus_write(kMatch, 4, 1'700'000'001);
  EXPECT_FALSE(pin.level());
  host = 1'700'000'001 * kSecond;
  for (int i = 0; i < 400 && !pin.level(); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(pin.level());
}

TEST_F(Pl031Test, AMatchInThePastDoesNotCome) {
  rtc.bus_write(kMask, 4, 1);
  rtc.bus_write(kMatch, 4, 1'600'000'000);
  EXPECT_FALSE(pin.level());
}

TEST_F(Pl031Test, StateIsTakenOver) {
  rtc.bus_write(kLoad, 4, 77);
  rtc.bus_write(kMask, 4, 1);
  rtc.bus_write(kMatch, 4, 77);
  hv::StateWriter writer;
  rtc.save(writer);
  test::TestInterrupt other_pin;
  Pl031 other(alarms, hv::InterruptLine(other_pin, 2), [this] { return host.load(); });
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(other.bus_read(kData, 4), 77u);
  EXPECT_TRUE(other_pin.level());
}

}  // namespace
}  // namespace devices
