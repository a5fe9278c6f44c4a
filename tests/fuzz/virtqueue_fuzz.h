#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "devices/virtio/features.h"
#include "devices/virtio/virtqueue.h"
#include "hv/base/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/driver_queue.h"

namespace test {

/// One virtqueue of 8 entries, and a driver that writes what the input says anywhere into the first pages of memory,
/// where the rings are, while the device pops, uses and completes buffers and is saved and loaded.
class VirtqueueFuzz {
 public:
  explicit VirtqueueFuzz(uint64_t features) : features_(features | devices::virtio::kCommonFeatures) {
    if ((features & devices::virtio::kFeaturePackedRing) == 0) features_ &= ~devices::virtio::kFeaturePackedRing;
    driver_ = DriverQueue::create(ram_, kSize, features_);
    queue_ = make();
  }

  void run(FuzzInput input) {
    while (!input.empty()) step(input);
    chains_.clear();
    CHECK(queue_->in_flight() == 0);
  }

 private:
  static constexpr uint16_t kSize = 8;

  std::shared_ptr<devices::virtio::Virtqueue> make() {
    return std::move(devices::virtio::Virtqueue::create(driver_->config(), features_, ram_.memory(), [] {}).value());
  }

  void step(FuzzInput& input) {
    switch (input.take<uint8_t>() % 6) {
      case 0:
      case 1:
        return poke(input);
      case 2:
      case 3:
        return pop();
      case 4:
        return complete(input);
      default:
        return restore();
    }
  }

  void poke(FuzzInput& input) {
    const hv::GuestAddress to = GuestRam::kBase + input.take<uint16_t>() % 1024;
    ram_.put(to, input.take_bytes(1 + input.take<uint8_t>() % 32));
  }

  void pop() {
    auto popped = queue_->pop();
    if (!popped) queue_ = (chains_.clear(), make());
    if (!popped || !*popped) return;
    chains_.push_back(std::move(**popped));
    CHECK(queue_->in_flight() <= kSize);
    check(chains_.back());
  }

  void check(devices::virtio::DescriptorChain& chain) {
    for (const auto& part : {chain.readable(), chain.writable()}) {
      for (const devices::virtio::Segment& segment : part) {
        CHECK(segment.length != 0 && ram_.memory().host_pointer(segment.address, segment.length) == segment.host);
      }
    }
    // No more of a long buffer is used than shows that it can be.
    CHECK(chain.read_object<uint64_t>(0).has_value() == (chain.readable_size() >= sizeof(uint64_t)));
    CHECK(chain.write_object(0, uint16_t{0}) == (chain.writable_size() >= sizeof(uint16_t)));
  }

  void complete(FuzzInput& input) {
    if (chains_.empty()) return;
    std::swap(chains_[input.take<uint8_t>() % chains_.size()], chains_.back());
    chains_.back().complete(input.take<uint32_t>());
    chains_.pop_back();
  }

  void restore() {
    const size_t in_flight = queue_->in_flight();
    hv::StateWriter writer;
    queue_->save(writer);
    queue_->close([] {});
    chains_.clear();
    queue_ = make();
    hv::StateReader reader(writer.data());
    queue_->load(reader);
    CHECK(reader.ok());
    for (size_t i = 0; i < in_flight; ++i) pop();
    CHECK(chains_.size() >= in_flight || queue_->in_flight() == 0);
  }

  GuestRam ram_{1 << 20};
  uint64_t features_;
  std::unique_ptr<DriverQueue> driver_;
  std::shared_ptr<devices::virtio::Virtqueue> queue_;
  std::vector<devices::virtio::DescriptorChain> chains_;
};

}  // namespace test
