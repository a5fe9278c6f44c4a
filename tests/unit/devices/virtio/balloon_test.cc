#include "devices/virtio/balloon.h"

#include <array>

#include <gmock/gmock.h>

#include "tests/support/virtio_guest.h"

namespace devices::virtio {
namespace {

using test::bytes_of;
using test::Used;
using test::VirtioGuest;

constexpr uint64_t kStatistics = 1 << 1;
constexpr uint64_t kReporting = 1 << 5;
constexpr uint64_t kPage = hv::kGuestPageSize;

struct BalloonTest : testing::Test {
  Balloon& balloon() { return static_cast<Balloon&>(guest.transport().device()); }

  hv::GuestAddress full_pages(uint64_t count) {
    const hv::GuestAddress address = guest.ram.allocate(count * kPage, kPage);
    EXPECT_TRUE(guest.ram.memory().fill(address, count * kPage, std::byte{0xaa}));
    return address;
  }
  bool is_zero(hv::GuestAddress page) { return guest.ram.get(page, kPage) == std::vector<std::byte>(kPage); }
  void inflate(const std::vector<uint32_t>& pages) {
    EXPECT_EQ(guest.exchange(0, guest.request().readable(std::as_bytes(std::span(pages)))).written, 0u);
  }
  static uint32_t number(hv::GuestAddress page) { return static_cast<uint32_t>(page.value >> hv::kGuestPageShift); }

  VirtioGuest guest{[](EventLoop& loop) { return std::make_unique<Balloon>(loop); }};
};

TEST_F(BalloonTest, TellsTheGuestItsTarget) {
  guest.start();
  EXPECT_EQ(guest.read(VirtioGuest::kDeviceId), 5u);
  balloon().set_target(3 * kPage + 17);
  EXPECT_TRUE(guest.wait_interrupt(2));
  EXPECT_EQ(guest.config<uint32_t>(0), 3u);
  guest.set_config<uint32_t>(4, 2);
  EXPECT_EQ(balloon().actual(), 2 * kPage);
}

// §5.5.6
TEST_F(BalloonTest, PagesPutIntoTheBalloonGoBackToTheHost) {
  guest.start();
  const hv::GuestAddress pages = full_pages(4);
  inflate({number(pages) + 2, number(pages)});
  EXPECT_TRUE(is_zero(pages));
  EXPECT_FALSE(is_zero(pages + kPage));
  EXPECT_TRUE(is_zero(pages + 2 * kPage));
  EXPECT_FALSE(is_zero(pages + 3 * kPage));
  EXPECT_EQ(balloon().given_back(), 2 * kPage);
}

TEST_F(BalloonTest, PagesTakenBackWorkAgain) {
  guest.start();
  const hv::GuestAddress page = full_pages(1);
  inflate({number(page)});
  const std::vector<uint32_t> numbers = {number(page)};
  guest.exchange(1, guest.request().readable(std::as_bytes(std::span(numbers))));
  guest.ram.put(page, bytes_of(uint64_t{7}));
  EXPECT_EQ(guest.ram.memory().load<uint64_t>(page), 7u);
}

TEST_F(BalloonTest, PagesThatAreNotMemoryAreIgnored) {
  guest.start();
  const hv::GuestAddress page = full_pages(1);
  inflate({0, 0xffff'ffff, number(page)});
  EXPECT_TRUE(is_zero(page));
  EXPECT_FALSE(guest.needs_reset());
}

TEST_F(BalloonTest, ALongListIsDoneInTurns) {
  guest.start();
  const hv::GuestAddress page = full_pages(1);
  std::vector<uint32_t> pages(20'000, number(page));
  inflate(pages);
  EXPECT_TRUE(is_zero(page));
  EXPECT_EQ(balloon().given_back(), 20'000 * kPage);
}

class Reporting : public BalloonTest, public testing::WithParamInterface<std::pair<uint64_t, unsigned>> {};
INSTANTIATE_TEST_SUITE_P(Queues, Reporting,
                         testing::Values(std::pair{kReporting, 2u}, std::pair{kReporting | kStatistics, 3u},
                                         std::pair{kReporting | kStatistics, 4u}));

// §5.5.6.5, on the queue where Linux has it and where the specification has it.
TEST_P(Reporting, ReportedPagesGoBackToTheHost) {
  guest.start(GetParam().first);
  const hv::GuestAddress pages = full_pages(4);
  const auto length = static_cast<uint32_t>(kPage);
  guest.exchange(GetParam().second,
                 guest.request().element({pages, 2 * length, true}).element({pages + 3 * kPage, length, true}));
  EXPECT_TRUE(is_zero(pages));
  EXPECT_TRUE(is_zero(pages + kPage));
  EXPECT_FALSE(is_zero(pages + 2 * kPage));
  EXPECT_TRUE(is_zero(pages + 3 * kPage));
}

TEST_F(BalloonTest, WithoutReportingItsQueueDoesNothing) {
  guest.start(kStatistics);
  const hv::GuestAddress page = full_pages(1);
  guest.exchange(3, guest.request().element({page, static_cast<uint32_t>(kPage), true}));
  EXPECT_FALSE(is_zero(page));
}

// §5.5.6.3
TEST_F(BalloonTest, AsksForStatistics) {
  guest.start(kStatistics);
  const auto statistic = [](uint16_t tag, uint64_t value) {
    std::array<std::byte, 10> bytes;
    hv::store_le(&bytes[0], tag);
    hv::store_le(&bytes[2], value);
    return bytes;
  };
  const uint16_t id = guest.submit(2, guest.request().readable(statistic(4, 1000)).readable(statistic(99, 1)));
  EXPECT_TRUE(test::eventually([&] { return balloon().statistics()[4] == 1000u; }));
  EXPECT_EQ(guest.queue(2).take_used(), std::nullopt);

  balloon().request_statistics();
  EXPECT_EQ(guest.wait_used(2).id, id);
  guest.submit(2, guest.request().readable(statistic(4, 2000)).readable(statistic(5, 3)));
  EXPECT_TRUE(test::eventually([&] { return balloon().statistics()[5] == 3u; }));
  EXPECT_EQ(balloon().statistics()[4], 2000u);
  EXPECT_EQ(balloon().statistics()[0], std::nullopt);
}

TEST_F(BalloonTest, WorksAfterARestore) {
  guest.start(kCommonFeatures | kStatistics);
  const uint16_t id = guest.submit(2, guest.request().readable(bytes_of(uint64_t{0})));
  balloon().set_target(kPage);
  guest.settle();
  guest.save_and_restore();
  EXPECT_EQ(guest.config<uint32_t>(0), 1u);
  guest.settle();
  balloon().request_statistics();
  EXPECT_EQ(guest.wait_used(2).id, id);
  const hv::GuestAddress page = full_pages(1);
  inflate({number(page)});
  EXPECT_TRUE(is_zero(page));
}

}  // namespace
}  // namespace devices::virtio
