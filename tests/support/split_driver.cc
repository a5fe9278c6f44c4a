#include <utility>

#include "devices/virtio/features.h"
#include "hv/base/check.h"
#include "tests/support/driver_queue.h"

namespace test {
namespace {

using namespace devices::virtio;

VirtqueueConfig place_rings(GuestRam& ram, uint16_t size) {
  VirtqueueConfig config;
  config.size = size;
  config.descriptors = ram.allocate(kDescriptorSize * size);
  config.driver = ram.allocate(6 + 2 * size);
  config.device = ram.allocate(6 + 8 * size);
  config.ready = true;
  return config;
}

class SplitDriver final : public SplitDriverQueue {
 public:
  SplitDriver(GuestRam& ram, uint16_t size, uint64_t features)
      : SplitDriverQueue(ram, features, place_rings(ram, size)),
        available_(ram.host(config_.driver, 6 + 2 * size)),
        used_(ram.host(config_.device, 6 + 8 * size)),
        next_(size) {
    for (uint16_t i = 0; i < size; ++i) next_[i] = static_cast<uint16_t>(i + 1);
  }

  uint16_t submit(const Request& request) override {
    const uint16_t head = request.is_indirect() ? write_indirect(request) : write_chain(request);
    make_available(head, 1);
    return head;
  }

  void make_available(uint16_t head, uint16_t advance) override {
    store_relaxed<uint16_t>(available_ + 4 + 2 * (available_index_ % config_.size), head);
    available_index_ = static_cast<uint16_t>(available_index_ + advance);
    store_release<uint16_t>(available_ + 2, available_index_);
  }

  std::optional<Used> take_used() override {
    if (load_acquire<uint16_t>(used_ + 2) == used_index_) return std::nullopt;
    const std::byte* const entry = used_ + 4 + 8 * (used_index_++ % config_.size);
    const Used used{static_cast<uint16_t>(load_relaxed<uint32_t>(entry)), load_relaxed<uint32_t>(entry + 4)};
    free_chain(used.id);
    return used;
  }

  bool wants_kick() override {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    const uint16_t before = std::exchange(kicked_index_, available_index_);
    if (!has_feature(kFeatureEventIndex)) return (load_relaxed<uint16_t>(used_) & 1) == 0;
    const auto event = load_relaxed<uint16_t>(used_ + 4 + 8 * config_.size);
    return static_cast<uint16_t>(event - before) < static_cast<uint16_t>(available_index_ - before);
  }

  void interrupt_always() override {
    store_relaxed<uint16_t>(available_, 0);
    interrupt_after(0);
  }
  void interrupt_never() override {
    store_relaxed<uint16_t>(available_, 1);
    interrupt_after(0x7fff);
  }
  void interrupt_after(uint16_t more) override {
    store_relaxed<uint16_t>(available_ + 4 + 2 * config_.size, static_cast<uint16_t>(used_index_ + more));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }

 private:
  uint16_t take_descriptor() {
    const uint16_t index = free_;
    CHECK(index < config_.size);
    free_ = next_[index];
    return index;
  }

  void free_chain(uint16_t head) {
    uint16_t tail = head;
    while ((flags_of(tail) & kDescriptorNext) != 0) tail = next_[tail];
    next_[tail] = free_;
    free_ = head;
  }

  uint16_t flags_of(uint16_t index) const { return load_relaxed<uint16_t>(descriptor(index) + 12); }

  uint16_t write_chain(const Request& request) {
    const uint16_t head = free_;
    for (size_t i = 0; i < request.elements().size(); ++i) {
      const Request::Element& element = request.elements()[i];
      const bool last = i + 1 == request.elements().size();
      const uint16_t index = take_descriptor();
      const int flags = (element.writable ? kDescriptorWrite : 0) | (last ? 0 : kDescriptorNext);
      write_descriptor(descriptor(index), {element.address, element.length, static_cast<uint16_t>(flags), free_});
    }
    return head;
  }

  uint16_t write_indirect(const Request& request) {
    const auto count = static_cast<uint16_t>(request.elements().size());
    const auto size = static_cast<uint32_t>(kDescriptorSize * count);
    const hv::GuestAddress table = ram_.allocate(size);
    std::byte* to = ram_.host(table, size);
    for (uint16_t i = 0; i < count; ++i, to += kDescriptorSize) {
      const Request::Element& element = request.elements()[i];
      const int flags = (element.writable ? kDescriptorWrite : 0) | (i + 1 == count ? 0 : kDescriptorNext);
      const auto next = static_cast<uint16_t>(i + 1);
      write_descriptor(to, {element.address, element.length, static_cast<uint16_t>(flags), next});
    }
    const uint16_t head = take_descriptor();
    write_descriptor(descriptor(head), {table, size, kDescriptorIndirect, 0});
    return head;
  }

  std::byte* available_;
  std::byte* used_;
  std::vector<uint16_t> next_;  ///< free list, and the links of chains in flight
  uint16_t free_ = 0;
  uint16_t available_index_ = 0;
  uint16_t kicked_index_ = 0;
  uint16_t used_index_ = 0;
};

}  // namespace

std::unique_ptr<SplitDriverQueue> make_split_driver(GuestRam& ram, uint16_t size, uint64_t features) {
  return std::make_unique<SplitDriver>(ram, size, features);
}

}  // namespace test
