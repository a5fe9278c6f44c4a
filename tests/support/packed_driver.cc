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
  config.driver = ram.allocate(4);
  config.device = ram.allocate(4);
  config.ready = true;
  return config;
}

class PackedDriver final : public DriverQueue {
 public:
  PackedDriver(GuestRam& ram, uint16_t size, uint64_t features)
      : DriverQueue(ram, features, place_rings(ram, size)),
        driver_event_(ram.host(config_.driver, 4)),
        device_event_(ram.host(config_.device, 4)),
        entries_of_id_(size) {
    for (uint16_t i = size; i > 0; --i) free_ids_.push_back(static_cast<uint16_t>(i - 1));
  }

  uint16_t submit(const Request& request) override {
    CHECK(!free_ids_.empty());
    const uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    const uint32_t first = available_;
    std::vector<RawDescriptor> chain = request.is_indirect() ? indirect_chain(request) : direct_chain(request);
    entries_of_id_[id] = static_cast<uint16_t>(chain.size());
    for (RawDescriptor& raw : chain) {
      raw.third = id;
      raw.fourth = static_cast<uint16_t>(raw.fourth | available_flags(available_));
      advance(available_, 1);
    }
    // The first descriptor last: it makes the whole chain available.
    for (size_t i = chain.size(); i-- > 0;) {
      write_descriptor(descriptor(static_cast<uint16_t>((first + i) % config_.size)), chain[i]);
    }
    return id;
  }

  std::optional<Used> take_used() override {
    const std::byte* const entry = descriptor(static_cast<uint16_t>(used_ % config_.size));
    const auto flags = load_acquire<uint16_t>(entry + 14);
    const bool wrap = used_ < config_.size;
    if (((flags & kDescriptorAvailable) != 0) != wrap || ((flags & kDescriptorUsed) != 0) != wrap) return std::nullopt;
    const Used used{load_relaxed<uint16_t>(entry + 12), load_relaxed<uint32_t>(entry + 8)};
    CHECK(used.id < config_.size);
    advance(used_, entries_of_id_[used.id]);
    free_ids_.push_back(used.id);
    return used;
  }

  bool wants_kick() override {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    const uint32_t before = std::exchange(kicked_, available_);
    const auto event = load_relaxed<uint32_t>(device_event_);
    const uint32_t mode = (event >> 16) & 3;
    if (mode != 2) return mode == 0;
    const uint32_t at = (event & 0x7fff) + ((event & 0x8000) != 0 ? 0u : config_.size);
    const uint32_t laps = 2u * config_.size;
    return (at + laps - before) % laps < (available_ + laps - before) % laps;
  }

  void interrupt_always() override { store_event(0); }
  void interrupt_never() override { store_event(1u << 16); }
  void interrupt_after(uint16_t more) override {
    uint32_t at = used_;
    advance(at, more);
    store_event(2u << 16 | at % config_.size | (at < config_.size ? 0x8000u : 0));
  }

 private:
  void advance(uint32_t& position, uint32_t entries) const { position = (position + entries) % (2u * config_.size); }

  uint16_t available_flags(uint32_t position) const {
    return position < config_.size ? kDescriptorAvailable : kDescriptorUsed;
  }

  void store_event(uint32_t value) {
    store_relaxed<uint32_t>(driver_event_, value);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }

  static std::vector<RawDescriptor> direct_chain(const Request& request) {
    std::vector<RawDescriptor> chain;
    for (const Request::Element& element : request.elements()) {
      if (!chain.empty()) chain.back().fourth = static_cast<uint16_t>(chain.back().fourth | kDescriptorNext);
      chain.push_back({element.address, element.length, 0, element.writable ? kDescriptorWrite : uint16_t{0}});
    }
    return chain;
  }

  std::vector<RawDescriptor> indirect_chain(const Request& request) {
    const auto size = static_cast<uint32_t>(kDescriptorSize * request.elements().size());
    const hv::GuestAddress table = ram_.allocate(size);
    std::byte* to = ram_.host(table, size);
    for (const Request::Element& element : request.elements()) {
      write_descriptor(to, {element.address, element.length, 0, element.writable ? kDescriptorWrite : uint16_t{0}});
      to += kDescriptorSize;
    }
    return {{table, size, 0, kDescriptorIndirect}};
  }

  // Positions run over two laps: the wrap counter is 1 in the first, 0 in the second.
  std::byte* driver_event_;
  std::byte* device_event_;
  std::vector<uint16_t> entries_of_id_;
  std::vector<uint16_t> free_ids_;
  uint32_t available_ = 0;
  uint32_t kicked_ = 0;
  uint32_t used_ = 0;
};

}  // namespace

std::unique_ptr<DriverQueue> make_packed_driver(GuestRam& ram, uint16_t size, uint64_t features) {
  return std::make_unique<PackedDriver>(ram, size, features);
}

}  // namespace test
