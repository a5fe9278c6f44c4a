#include "tests/support/driver_queue.h"

#include <algorithm>

#include "devices/virtio/features.h"

namespace test {

using devices::virtio::kDescriptorSize;
using devices::virtio::RawDescriptor;

Request& Request::readable(std::span<const std::byte> data) {
  const hv::GuestAddress address = ram_->allocate(data.size());
  ram_->put(address, data);
  return element({address, static_cast<uint32_t>(data.size()), false});
}

Request& Request::writable(uint32_t length) { return element({ram_->allocate(length), length, true}); }

Request& Request::element(Element element) {
  elements_.push_back(element);
  return *this;
}

Request& Request::indirect() {
  indirect_ = true;
  return *this;
}

std::vector<std::byte> Request::written(uint32_t length) const {
  std::vector<std::byte> out;
  for (const Element& element : elements_) {
    if (!element.writable) continue;
    const std::vector<std::byte> piece =
        ram_->get(element.address, std::min<uint64_t>(element.length, length - out.size()));
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

std::unique_ptr<DriverQueue> DriverQueue::create(GuestRam& ram, uint16_t size, uint64_t features) {
  if ((features & devices::virtio::kFeaturePackedRing) != 0) return make_packed_driver(ram, size, features);
  return make_split_driver(ram, size, features);
}

DriverQueue::DriverQueue(GuestRam& ram, uint64_t features, const devices::virtio::VirtqueueConfig& config)
    : ram_(ram), features_(features), config_(config) {
  descriptors_ = ram.host(config_.descriptors, kDescriptorSize * config_.size);
}

void DriverQueue::poke_descriptor(uint16_t index, const RawDescriptor& raw) {
  write_descriptor(descriptor(index), raw);
}

// The flags of a packed ring's descriptor last, and by themselves: they make it available.
void DriverQueue::write_descriptor(std::byte* to, const RawDescriptor& raw) {
  using devices::virtio::store_relaxed;
  store_relaxed<uint64_t>(to, raw.address.value);
  store_relaxed<uint32_t>(to + 8, raw.length);
  store_relaxed<uint16_t>(to + 12, raw.third);
  devices::virtio::store_release<uint16_t>(to + 14, raw.fourth);
}

}  // namespace test
