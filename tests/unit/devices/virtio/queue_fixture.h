#pragma once

#include <memory>

#include <gtest/gtest.h>

#include "devices/virtio/features.h"
#include "devices/virtio/virtqueue.h"
#include "tests/support/driver_queue.h"

namespace devices::virtio {

inline constexpr uint64_t kPlain = kFeatureVersion1 | kFeatureIndirectDescriptors;

/// A driver and a device at the two ends of one queue of 8 entries.
struct QueuePair {
  explicit QueuePair(uint64_t features, uint16_t size = 8)
      : features(features), driver(test::DriverQueue::create(ram, size, features)), queue(make_queue()) {}

  std::shared_ptr<Virtqueue> make_queue() {
    auto made = Virtqueue::create(driver->config(), features, ram.memory(), [this] { ++interrupts; });
    return made ? *made : nullptr;
  }

  DescriptorChain pop() {
    auto popped = queue->pop();
    EXPECT_TRUE(popped && *popped);
    return std::move(**popped);
  }
  bool is_empty() {
    const auto popped = queue->pop();
    return popped && !*popped;
  }
  std::string pop_error() {
    const auto popped = queue->pop();
    return popped ? "" : popped.error().message;
  }

  test::GuestRam ram;
  uint64_t features;
  unsigned interrupts = 0;
  std::unique_ptr<test::DriverQueue> driver;
  std::shared_ptr<Virtqueue> queue;
};

/// Run for both formats of ring.
class EveryRing : public testing::TestWithParam<uint64_t> {
 protected:
  static uint64_t features(uint64_t more = 0) { return kPlain | GetParam() | more; }
};

inline std::string ring_name(const testing::TestParamInfo<uint64_t>& info) {
  return info.param == 0 ? "Split" : "Packed";
}

}  // namespace devices::virtio
