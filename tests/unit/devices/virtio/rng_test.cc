#include "devices/virtio/rng.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "tests/support/virtio_guest.h"

namespace devices::virtio {
namespace {

using test::Used;
using test::VirtioGuest;

class RngOf : public testing::TestWithParam<uint64_t> {
 protected:
  VirtioGuest guest{[](EventLoop& loop) { return std::make_unique<Rng>(loop); }};
};
INSTANTIATE_TEST_SUITE_P(Rings, RngOf, testing::Values(0, kCommonFeatures));

TEST_P(RngOf, FillsABufferWithOtherBytesEachTime) {
  guest.start(GetParam());
  EXPECT_EQ(guest.read(VirtioGuest::kDeviceId), 4u);
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    auto request = guest.request().writable(7).writable(9);
    EXPECT_EQ(guest.exchange(0, request).written, 16u);
    seen.insert(test::text_of(request.written(16)));
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST_P(RngOf, GivesALargeBufferAPart) {
  guest.start(GetParam());
  auto request = guest.request().writable(1 << 20);
  const Used used = guest.exchange(0, request);
  EXPECT_EQ(used.written, 64u << 10);
  const auto written = request.written(used.written + 4096);
  const auto zeros = std::count(written.begin(), written.begin() + used.written, std::byte{0});
  EXPECT_LT(zeros, 1000);
  EXPECT_THAT(std::vector(written.begin() + used.written, written.end()), testing::Each(std::byte{0}));
}

TEST_P(RngOf, AnswersMoreThanOnePortion) {
  guest.start(GetParam());
  auto request = guest.request().writable(64 << 10);
  for (int i = 0; i < 60; ++i) guest.submit(0, request);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(guest.wait_used(0).written, 64u << 10);
}

TEST_P(RngOf, LeavesReadableBytesAlone) {
  guest.start(GetParam());
  auto request = guest.request().readable(test::bytes_of(uint64_t{0})).writable(8);
  EXPECT_EQ(guest.exchange(0, request).written, 8u);
  EXPECT_EQ(guest.ram.get(request.elements()[0].address, 8), std::vector<std::byte>(8));
  EXPECT_EQ(guest.exchange(0, guest.request().readable(test::bytes_of(1))).written, 0u);
}

TEST_P(RngOf, WorksAfterARestore) {
  guest.start(GetParam());
  EXPECT_EQ(guest.exchange(0, guest.request().writable(8)).written, 8u);
  guest.save_and_restore();
  EXPECT_EQ(guest.exchange(0, guest.request().writable(8)).written, 8u);
}

}  // namespace
}  // namespace devices::virtio
