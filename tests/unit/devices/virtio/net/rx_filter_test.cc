#include "devices/virtio/net/rx_filter.h"

#include <gtest/gtest.h>

namespace devices::virtio::net {
namespace {

MacAddress mac(std::initializer_list<int> octets) {
  MacAddress address{};
  size_t i = 0;
  for (const int octet : octets) address[i++] = static_cast<std::byte>(octet);
  return address;
}

const MacAddress kOwn = mac({0x52, 0x54, 0, 1, 2, 3});
const MacAddress kOther = mac({0x52, 0x54, 0, 1, 2, 4});
const MacAddress kGroup = mac({0x33, 0x33, 0, 0, 0, 1});
const MacAddress kOtherGroup = mac({0x33, 0x33, 0, 0, 0, 2});
const MacAddress kBroadcast = mac({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});

class RxFilterTest : public testing::Test {
 protected:
  RxFilterTest() { filter.set_mode(RxCommand::promiscuous, false); }

  bool accepts(const MacAddress& to) const {
    std::array<std::byte, 60> frame{};
    std::ranges::copy(to, frame.begin());
    return filter.accepts(frame);
  }

  RxFilter filter{kOwn};
};

TEST_F(RxFilterTest, TakesEverythingUntilTheDriverSaysWhatItWants) {
  filter.reset();
  EXPECT_TRUE(accepts(kOther));
  EXPECT_TRUE(accepts(kGroup));
}

TEST_F(RxFilterTest, TakesItsOwnAddressAndBroadcasts) {
  EXPECT_TRUE(accepts(kOwn));
  EXPECT_TRUE(accepts(kBroadcast));
  EXPECT_FALSE(accepts(kOther));
  EXPECT_FALSE(accepts(kGroup));
}

TEST_F(RxFilterTest, TakesTheAddressesInItsTables) {
  filter.set_tables({kOther}, {kGroup});
  EXPECT_TRUE(accepts(kOther));
  EXPECT_TRUE(accepts(kGroup));
  EXPECT_FALSE(accepts(kOtherGroup));
}

TEST_F(RxFilterTest, TakesAllOfAKindWhoseTableIsTooLarge) {
  filter.set_tables({}, std::vector<MacAddress>(RxFilter::kMostAddresses + 1, kGroup));
  EXPECT_TRUE(accepts(kOtherGroup));
  EXPECT_FALSE(accepts(kOther));
}

TEST_F(RxFilterTest, FollowsTheModes) {
  filter.set_mode(RxCommand::all_multicast, true);
  filter.set_mode(RxCommand::all_unicast, true);
  EXPECT_TRUE(accepts(kOther));
  EXPECT_TRUE(accepts(kGroup));
  filter.set_mode(RxCommand::no_multicast, true);
  filter.set_mode(RxCommand::no_unicast, true);
  filter.set_mode(RxCommand::no_broadcast, true);
  EXPECT_FALSE(accepts(kOwn));
  EXPECT_FALSE(accepts(kGroup));
  EXPECT_FALSE(accepts(kBroadcast));
  EXPECT_FALSE(filter.set_mode(static_cast<RxCommand>(6), true));
}

TEST_F(RxFilterTest, RefusesWhatHasNoEthernetHeader) {
  filter.reset();
  EXPECT_FALSE(filter.accepts(std::array<std::byte, 13>{}));
}

TEST_F(RxFilterTest, IsTheSameAfterSaveAndLoad) {
  filter.set_mac(kOther);
  filter.set_tables({}, {kGroup});
  hv::StateWriter writer;
  writer.section("filter", 1, [&] { filter.save(writer); });
  filter.reset();
  hv::StateReader reader(writer.data());
  reader.section("filter", 1, [&](uint32_t) { filter.load(reader); });
  ASSERT_TRUE(reader.status().has_value());
  EXPECT_TRUE(accepts(kOther));
  EXPECT_TRUE(accepts(kGroup));
  EXPECT_FALSE(accepts(kOwn));
}

}  // namespace
}  // namespace devices::virtio::net
