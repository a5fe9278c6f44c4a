#include "devices/timer/cmos_rtc.h"

#include <gtest/gtest.h>

namespace devices {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class CmosRtcTest : public ::testing::Test {
 protected:
  uint64_t read(uint8_t index) {
    rtc.bus_write(0, 1, index);
    return rtc.bus_read(1, 1);
  }

  uint64_t now = 4'107'542'399 * kSecond;  // Sunday, 2100-02-28 23:59:59
  CmosRtc rtc{[this] { return now; }};
};

TEST_F(CmosRtcTest, TellsTheTimeInDecimals) {
  EXPECT_EQ(read(0), 0x59u);
  EXPECT_EQ(read(2), 0x59u);
  EXPECT_EQ(read(4), 0x23u);
  EXPECT_EQ(read(6), 1u);
  EXPECT_EQ(read(7), 0x28u);
  EXPECT_EQ(read(8), 0x02u);
  EXPECT_EQ(read(9), 0x00u);
  EXPECT_EQ(read(CmosRtc::kCentury), 0x21u);
  now += kSecond;
  EXPECT_EQ(read(4), 0x00u);
  EXPECT_EQ(read(7), 0x01u);
  EXPECT_EQ(read(8), 0x03u);  // 2100 is no leap year
}

TEST_F(CmosRtcTest, SaysThatItIsAboutToGoOn) {
  EXPECT_EQ(read(0x0a), 0x26u);
  now += kSecond - 244'000;
  EXPECT_EQ(read(0x0a), 0xa6u);
  EXPECT_EQ(read(0x0b), 0x02u);
  EXPECT_EQ(read(0x0d), 0x80u);
}

TEST_F(CmosRtcTest, TheIndexHasSevenBitsAndIsSaved) {
  rtc.bus_write(0, 1, 0x84);
  EXPECT_EQ(rtc.bus_read(1, 1), 0x23u);
  hv::StateWriter writer;
  rtc.save(writer);
  CmosRtc other([this] { return now; });
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(other.bus_read(1, 1), 0x23u);
}

TEST_F(CmosRtcTest, WritesToDataChangeNothing) {
  rtc.bus_write(0, 1, 4);
  rtc.bus_write(1, 1, 0x11);
  rtc.bus_write(0, 2, 0x1102);
  EXPECT_EQ(rtc.bus_read(1, 1), 0x23u);
}

}  // namespace
}  // namespace devices
