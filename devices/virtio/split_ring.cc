// VIRTIO 1.2 §2.7: split virtqueues.

#include <bit>

#include "devices/virtio/descriptor.h"
#include "devices/virtio/features.h"
#include "devices/virtio/ring.h"

namespace devices::virtio {
namespace {

// §2.7.6, §2.7.8: both rings are flags (u16), index (u16), the entries, and the other side's event index (u16).
constexpr size_t kFlags = 0;
constexpr size_t kIndex = 2;
constexpr size_t kEntries = 4;
constexpr size_t kAvailableEntrySize = 2;
constexpr size_t kUsedEntrySize = 8;
constexpr uint16_t kNoInterrupt = 1;
constexpr uint16_t kNoKick = 1;

constexpr uint64_t available_size(uint64_t queue_size) { return kEntries + kAvailableEntrySize * queue_size + 2; }
constexpr uint64_t used_size(uint64_t queue_size) { return kEntries + kUsedEntrySize * queue_size + 2; }

// §2.7.10: whether `event` is among the entries from `from` up to, not including, `to`.
constexpr bool passes(uint16_t event, uint16_t from, uint16_t to) {
  return static_cast<uint16_t>(event - from) < static_cast<uint16_t>(to - from);
}

class SplitRing final : public Ring {
 public:
  struct Areas {
    std::byte* descriptors;
    std::byte* available;
    std::byte* used;
  };

  SplitRing(const VirtqueueConfig& config, uint64_t features, hv::GuestMemory& memory, Areas areas)
      : config_(config),
        memory_(memory),
        areas_(areas),
        mask_(static_cast<uint16_t>(config.size - 1)),
        event_index_((features & kFeatureEventIndex) != 0),
        indirect_((features & kFeatureIndirectDescriptors) != 0) {}

  hv::Result<bool> take(ChainSlot& slot) override {
    const uint16_t waiting = available();
    if (waiting == 0) return false;
    if (waiting > config_.size || outstanding() >= config_.size) {
      return hv::error("more buffers than the ring has entries");
    }
    const auto head =
        load_relaxed<uint16_t>(areas_.available + kEntries + kAvailableEntrySize * (next_available_ & mask_));
    TRY(take_chain(slot, head));
    ++next_available_;
    return true;
  }

  void put(const ChainSlot& slot, uint32_t written) noexcept override {
    std::byte* const entry = areas_.used + kEntries + kUsedEntrySize * (next_used_ & mask_);
    store_relaxed<uint32_t>(entry, slot.id);
    store_relaxed<uint32_t>(entry + 4, written);
    ++next_used_;
  }

  bool publish() noexcept override {
    store_release<uint16_t>(areas_.used + kIndex, next_used_);
    memory_.mark_dirty(config_.device, used_size(config_.size));
    const uint16_t before = std::exchange(published_, next_used_);
    // The driver asks for an interrupt and then looks at the index; this is the other half (§2.7.7.2, §2.7.10).
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (event_index_) return passes(load_relaxed<uint16_t>(used_event()), before, next_used_);
    return (load_relaxed<uint16_t>(areas_.available + kFlags) & kNoInterrupt) == 0;
  }

  void save(hv::StateWriter& writer) const override {
    writer.value(next_available_);
    writer.value(next_used_);
  }

  void load(hv::StateReader& reader) override {
    reader.value(next_available_);
    reader.value(next_used_);
    if (outstanding() > config_.size) reader.fail("more buffers in flight than the ring has entries");
    published_ = next_used_;
  }

  uint32_t outstanding() const noexcept override { return static_cast<uint16_t>(next_available_ - next_used_); }

 private:
  std::byte* used_event() const noexcept { return areas_.available + kEntries + kAvailableEntrySize * config_.size; }
  std::byte* available_event() const noexcept { return areas_.used + kEntries + kUsedEntrySize * config_.size; }

  uint16_t waiting() const noexcept {
    return static_cast<uint16_t>(load_acquire<uint16_t>(areas_.available + kIndex) - next_available_);
  }

  // The number of buffers that wait. When there is none, kicks are asked for, and the index is looked at once more.
  uint16_t available() noexcept {
    if (const uint16_t count = waiting(); count != 0) {
      if (!event_index_ && kicks_) set_kicks(false);
      return count;
    }
    if (event_index_) {
      if (armed_ && armed_at_ == next_available_) return 0;
      armed_ = true;
      armed_at_ = next_available_;
      store_relaxed<uint16_t>(available_event(), next_available_);
      mark_used_header(available_event());
    } else {
      if (kicks_) return 0;
      set_kicks(true);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return waiting();
  }

  void set_kicks(bool wanted) noexcept {
    kicks_ = wanted;
    store_relaxed<uint16_t>(areas_.used + kFlags, wanted ? 0 : kNoKick);
    mark_used_header(areas_.used + kFlags);
  }

  void mark_used_header(const std::byte* at) noexcept {
    memory_.mark_dirty(config_.device + static_cast<uint64_t>(at - areas_.used), sizeof(uint16_t));
  }

  hv::Result<void> take_chain(ChainSlot& slot, uint16_t head) {
    slot.id = head;
    uint16_t index = head;
    for (uint32_t count = 0; count < config_.size; ++count) {
      if (index >= config_.size) return hv::error("descriptor {} of {}", index, config_.size);
      const RawDescriptor descriptor = RawDescriptor::copy(areas_.descriptors + kDescriptorSize * index);
      const uint16_t flags = descriptor.third;
      if ((flags & kDescriptorIndirect) != 0) return take_indirect(slot, descriptor);
      TRY(slot.append(memory_, descriptor.address, descriptor.length, (flags & kDescriptorWrite) != 0));
      if ((flags & kDescriptorNext) == 0) return {};
      index = descriptor.fourth;
    }
    return hv::error("a chain of descriptors that has no end");
  }

  // §2.7.5.3
  hv::Result<void> take_indirect(ChainSlot& slot, const RawDescriptor& descriptor) {
    if (!indirect_) return hv::error("an indirect descriptor, which was not negotiated");
    if ((descriptor.third & kDescriptorNext) != 0) return hv::error("a descriptor after an indirect one");
    const IndirectTable table =
        TRY(IndirectTable::create(memory_, descriptor.address, descriptor.length, config_.size));
    uint16_t index = 0;
    for (uint32_t count = 0; count < table.size(); ++count) {
      if (index >= table.size()) return hv::error("indirect descriptor {} of {}", index, table.size());
      const RawDescriptor entry = TRY(table.entry(index));
      const uint16_t flags = entry.third;
      if ((flags & kDescriptorIndirect) != 0) return hv::error("an indirect descriptor in an indirect table");
      TRY(slot.append(memory_, entry.address, entry.length, (flags & kDescriptorWrite) != 0));
      if ((flags & kDescriptorNext) == 0) return {};
      index = entry.fourth;
    }
    return hv::error("a chain of indirect descriptors that has no end");
  }

  const VirtqueueConfig config_;
  hv::GuestMemory& memory_;
  const Areas areas_;
  const uint16_t mask_;
  const bool event_index_;
  const bool indirect_;
  uint16_t next_available_ = 0;
  uint16_t next_used_ = 0;
  uint16_t published_ = 0;
  bool kicks_ = false;  ///< without event index: the driver was told to kick
  bool armed_ = false;  ///< with event index: available_event is armed_at_
  uint16_t armed_at_ = 0;
};

}  // namespace

hv::Result<std::unique_ptr<Ring>> make_split_ring(const VirtqueueConfig& config, uint64_t features,
                                                  hv::GuestMemory& memory) {
  if (!std::has_single_bit(config.size) || config.size > kLargestQueue) {
    return hv::error("a split queue of {} entries", config.size);
  }
  const SplitRing::Areas areas = {
      TRY(ring_area(memory, "descriptor table", config.descriptors, kDescriptorSize * config.size, 16)),
      TRY(ring_area(memory, "available ring", config.driver, available_size(config.size), 2)),
      TRY(ring_area(memory, "used ring", config.device, used_size(config.size), 4))};
  return std::make_unique<SplitRing>(config, features, memory, areas);
}

}  // namespace devices::virtio
