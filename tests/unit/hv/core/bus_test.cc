#include "hv/core/bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hv {
namespace {

class MockDevice : public BusDevice {
 public:
  MOCK_METHOD(uint64_t, bus_read, (uint64_t, unsigned), (noexcept, override));
  MOCK_METHOD(void, bus_write, (uint64_t, unsigned, uint64_t), (noexcept, override));
};

GuestRange range(uint64_t base, uint64_t size) { return {{base}, size}; }

class BusTest : public testing::Test {
 protected:
  BusTest() {
    EXPECT_TRUE(bus.add(range(0x3000, 0x100), high, "high"));
    EXPECT_TRUE(bus.add(range(0x1000, 0x100), low, "low"));
  }
  testing::StrictMock<MockDevice> low, high;
  Bus bus{Bus::Unclaimed::zeros};
};

TEST_F(BusTest, GivesTheDeviceAnOffset) {
  EXPECT_CALL(low, bus_read(0x10, 4)).WillOnce(testing::Return(0x1234));
  EXPECT_CALL(high, bus_write(0xfc, 4, 7));
  EXPECT_EQ(bus.read({0x1010}, 4), 0x1234u);
  bus.write({0x30fc}, 4, 7);
}

TEST_F(BusTest, CountsWhatNothingClaimsAndGoesOn) {
  EXPECT_EQ(bus.read({0x2000}, 8), 0u);
  bus.write({0x0}, 1, 1);
  EXPECT_EQ(bus.read({~uint64_t{0}}, 1), 0u);
  EXPECT_EQ(bus.unclaimed_count(), 3u);
}

TEST_F(BusTest, AnAccessOverTheEndOfADeviceIsUnclaimed) {
  EXPECT_FALSE(bus.claims({0x10fe}, 4));
  EXPECT_EQ(bus.read({0x10fe}, 4), 0u);
  EXPECT_TRUE(bus.claims({0x10fc}, 4));
}

TEST(Bus, UnclaimedReadsAreOnesOfTheSizeWhereThePlatformSaysSo) {
  Bus bus(Bus::Unclaimed::ones);
  EXPECT_EQ(bus.read({0x60}, 1), 0xffu);
  EXPECT_EQ(bus.read({0x60}, 4), 0xffff'ffffu);
  EXPECT_EQ(bus.read({0x60}, 8), ~uint64_t{0});
}

TEST_F(BusTest, RefusesAnOverlapAndNamesBoth) {
  MockDevice other;
  const auto added = bus.add(range(0x10ff, 2), other, "other");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "other at 0x10ff overlaps low at 0x1000");
}

TEST_F(BusTest, RefusesEmptyAndWrappingRanges) {
  MockDevice other;
  EXPECT_FALSE(bus.add(range(0x5000, 0), other, "empty"));
  EXPECT_FALSE(bus.add(range(~uint64_t{0xf}, 0x11), other, "wrapping"));
  EXPECT_TRUE(bus.add(range(~uint64_t{0xf}, 0x10), other, "last"));
}

}  // namespace
}  // namespace hv
