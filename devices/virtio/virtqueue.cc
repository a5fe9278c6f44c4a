#include "devices/virtio/virtqueue.h"

#include <algorithm>
#include <utility>

#include "devices/virtio/features.h"
#include "devices/virtio/ring.h"

namespace devices::virtio {

void VirtqueueConfig::save(hv::StateWriter& writer) const {
  writer.value(size);
  writer.value(descriptors.value);
  writer.value(driver.value);
  writer.value(device.value);
  writer.value(ready);
}

void VirtqueueConfig::load(hv::StateReader& reader) {
  reader.value(size);
  reader.value(descriptors.value);
  reader.value(driver.value);
  reader.value(device.value);
  reader.value(ready);
}

hv::Result<std::shared_ptr<Virtqueue>> Virtqueue::create(const VirtqueueConfig& config, uint64_t features,
                                                         hv::GuestMemory& memory, std::function<void()> interrupt) {
  const auto make = (features & kFeaturePackedRing) != 0 ? make_packed_ring : make_split_ring;
  std::unique_ptr<Ring> ring = TRY(make(config, features, memory));
  return std::shared_ptr<Virtqueue>(new Virtqueue(config, memory, std::move(ring), std::move(interrupt)));
}

Virtqueue::Virtqueue(const VirtqueueConfig& config, hv::GuestMemory& memory, std::unique_ptr<Ring> ring,
                     std::function<void()> interrupt)
    : config_(config), memory_(memory), ring_(std::move(ring)), interrupt_(std::move(interrupt)) {}

Virtqueue::~Virtqueue() = default;

hv::Result<std::optional<DescriptorChain>> Virtqueue::pop() {
  if (broken_ || closed_) return std::nullopt;
  if (!replay_.empty()) {
    ChainSlot* const slot = replay_.back();
    replay_.pop_back();
    ++in_flight_;
    return DescriptorChain(shared_from_this(), slot);
  }
  ChainSlot* const slot = free_slot();
  const hv::Result<bool> taken = ring_->take(*slot);
  if (!taken || !*taken) {
    slot->clear();
    free_.push_back(slot);
    if (taken) return std::nullopt;
    broken_ = true;
    return tl::unexpected(taken.error());
  }
  slot->in_use = true;
  slot->sequence = next_sequence_++;
  ++in_flight_;
  return DescriptorChain(shared_from_this(), slot);
}

ChainSlot* Virtqueue::free_slot() {
  if (free_.empty()) {
    slots_.push_back(std::make_unique<ChainSlot>());
    return slots_.back().get();
  }
  ChainSlot* const slot = free_.back();
  free_.pop_back();
  return slot;
}

void Virtqueue::finish(ChainSlot& slot, uint32_t written) noexcept {
  if (slot.exposed) {
    for (size_t i = slot.readable_segments; i < slot.segments.size(); ++i) {
      memory_.mark_dirty(slot.segments[i].address, slot.segments[i].length);
    }
  }
  if (!closed_) {
    ring_->put(slot, std::min(written, slot.writable_size));
    unpublished_ = true;
  }
  slot.clear();
  free_.push_back(&slot);
  --in_flight_;
  if (closed_) {
    if (in_flight_ == 0 && idle_) std::exchange(idle_, nullptr)();
  } else if (batch_depth_ == 0) {
    publish();
  }
}

void Virtqueue::publish() noexcept {
  unpublished_ = false;
  if (ring_->publish()) interrupt_();
}

Virtqueue::Batch::~Batch() {
  if (--queue_.batch_depth_ == 0 && queue_.unpublished_ && !queue_.closed_) queue_.publish();
}

void Virtqueue::close(std::function<void()> idle) {
  closed_ = true;
  if (in_flight_ == 0) {
    idle();
  } else {
    idle_ = std::move(idle);
  }
}

// A used entry overwrites descriptors in a packed ring, so a buffer in flight is saved as what was read from the ring.
void Virtqueue::save(hv::StateWriter& writer) const {
  std::vector<const ChainSlot*> in_flight;
  for (const auto& slot : slots_) {
    if (slot->in_use) in_flight.push_back(slot.get());
  }
  std::ranges::sort(in_flight, {}, &ChainSlot::sequence);
  writer.section("virtqueue", 1, [&] {
    writer.value(broken_);
    ring_->save(writer);
    writer.value(static_cast<uint32_t>(in_flight.size()));
    for (const ChainSlot* slot : in_flight) {
      writer.value(slot->id);
      writer.value(slot->ring_entries);
      writer.value(static_cast<uint32_t>(slot->segments.size()));
      for (size_t i = 0; i < slot->segments.size(); ++i) {
        writer.value(slot->segments[i].address.value);
        writer.value(slot->segments[i].length);
        writer.value(i >= slot->readable_segments);
      }
    }
  });
}

void Virtqueue::load(hv::StateReader& reader) {
  reader.section("virtqueue", 1, [&](uint32_t) {
    broken_ = reader.value<bool>();
    ring_->load(reader);
    const auto count = reader.value<uint32_t>();
    if (count > config_.size) reader.fail("more buffers in flight than the ring has entries");
    uint32_t entries = 0;
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      ChainSlot* const slot = free_slot();
      load_slot(reader, *slot);
      entries += slot->ring_entries;
      replay_.push_back(slot);
    }
    if (reader.ok() && entries != ring_->outstanding()) reader.fail("the buffers in flight do not fit the ring");
    std::ranges::reverse(replay_);
  });
}

void Virtqueue::load_slot(hv::StateReader& reader, ChainSlot& slot) {
  reader.value(slot.id);
  reader.value(slot.ring_entries);
  const auto segments = reader.value<uint32_t>();
  for (uint32_t i = 0; i < segments && reader.ok(); ++i) {
    const hv::GuestAddress address{reader.value<uint64_t>()};
    const auto length = reader.value<uint32_t>();
    const auto writable = reader.value<bool>();
    if (!reader.ok()) return;
    if (const auto appended = slot.append(memory_, address, length, writable); !appended) {
      reader.fail(appended.error().message);
    }
  }
  slot.in_use = true;
  slot.sequence = next_sequence_++;
}

}  // namespace devices::virtio
