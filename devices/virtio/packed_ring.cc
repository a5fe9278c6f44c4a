// VIRTIO 1.2 §2.8: packed virtqueues.

#include "devices/virtio/descriptor.h"
#include "devices/virtio/features.h"
#include "devices/virtio/ring.h"

namespace devices::virtio {
namespace {

// §2.8.14: what the flags of an event suppression structure say.
enum class Event : uint16_t { enable = 0, disable = 1, at_descriptor = 2 };
constexpr uint16_t kEventMask = 3;
constexpr size_t kEventSize = 4;
constexpr unsigned kWrapBit = 15;
constexpr size_t kLengthOffset = 8;
constexpr size_t kIdOffset = 12;
constexpr size_t kFlagsOffset = 14;

// A place in the ring and its wrap counter (§2.8.1): positions 0 to size - 1 are a lap with the counter at 1, size to
// 2 * size - 1 the next one with the counter at 0.
class Position {
 public:
  explicit Position(uint32_t size) noexcept : size_(size) {}

  uint32_t index() const noexcept { return value_ < size_ ? value_ : value_ - size_; }
  bool wrap_counter() const noexcept { return value_ < size_; }
  void advance(uint32_t entries) noexcept {
    value_ += entries;
    if (value_ >= 2 * size_) value_ -= 2 * size_;
  }
  uint32_t distance_from(const Position& earlier) const noexcept {
    return value_ >= earlier.value_ ? value_ - earlier.value_ : value_ + 2 * size_ - earlier.value_;
  }

  uint16_t to_event() const noexcept { return static_cast<uint16_t>(index() | (wrap_counter() ? 1u << kWrapBit : 0)); }
  /// False where the guest named an entry that the ring does not have.
  bool set_event(uint16_t event) noexcept {
    const uint32_t index = event & ((1u << kWrapBit) - 1);
    if (index >= size_) return false;
    value_ = (event >> kWrapBit) != 0 ? index : index + size_;
    return true;
  }

 private:
  uint32_t size_;
  uint32_t value_ = 0;
};

class PackedRing final : public Ring {
 public:
  struct Areas {
    std::byte* descriptors;
    const std::byte* driver_event;
    std::byte* device_event;
  };

  PackedRing(const VirtqueueConfig& config, uint64_t features, hv::GuestMemory& memory, Areas areas)
      : config_(config),
        memory_(memory),
        areas_(areas),
        event_index_((features & kFeatureEventIndex) != 0),
        indirect_((features & kFeatureIndirectDescriptors) != 0),
        available_(config.size),
        used_(config.size),
        published_(config.size) {}

  hv::Result<bool> take(ChainSlot& slot) override {
    if (!available()) return false;
    slot.ring_entries = 0;
    Position at = available_;
    while (true) {
      if (slot.ring_entries + outstanding() >= config_.size) return hv::error("more descriptors than the ring has");
      const RawDescriptor descriptor = RawDescriptor::copy(entry(at));
      ++slot.ring_entries;
      at.advance(1);
      slot.id = descriptor.third;  // §2.8.6: the last one's counts
      const uint16_t flags = descriptor.fourth;
      if ((flags & kDescriptorIndirect) != 0) {
        TRY(take_indirect(slot, descriptor));
        break;
      }
      TRY(slot.append(memory_, descriptor.address, descriptor.length, (flags & kDescriptorWrite) != 0));
      if ((flags & kDescriptorNext) == 0) break;
    }
    available_ = at;
    return true;
  }

  // The first entry of those that are shown together gets its flags last: the driver reads no further while it is
  // not used.
  void put(const ChainSlot& slot, uint32_t written) noexcept override {
    std::byte* const to = entry(used_);
    store_relaxed<uint32_t>(to + kLengthOffset, written);
    store_relaxed<uint16_t>(to + kIdOffset, slot.id);
    const uint16_t flags = used_flags(written);
    memory_.mark_dirty(config_.descriptors + kDescriptorSize * used_.index(), kDescriptorSize);
    if (first_ == nullptr) {
      first_ = to;
      first_index_ = used_.index();
      first_flags_ = flags;
    } else {
      store_release<uint16_t>(to + kFlagsOffset, flags);
    }
    used_.advance(slot.ring_entries);
  }

  bool publish() noexcept override {
    store_release<uint16_t>(first_ + kFlagsOffset, first_flags_);
    memory_.mark_dirty(config_.descriptors + kDescriptorSize * first_index_, kDescriptorSize);
    first_ = nullptr;
    const Position before = std::exchange(published_, used_);
    // The driver asks for an interrupt and then looks at the ring; this is the other half.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return wants_interrupt(before);
  }

  void save(hv::StateWriter& writer) const override {
    writer.value(available_.to_event());
    writer.value(used_.to_event());
  }

  void load(hv::StateReader& reader) override {
    const bool available = available_.set_event(reader.value<uint16_t>());
    const bool used = used_.set_event(reader.value<uint16_t>());
    if (!available || !used || outstanding() > config_.size) reader.fail("positions that the ring cannot have");
    published_ = used_;
  }

  uint32_t outstanding() const noexcept override { return available_.distance_from(used_); }

 private:
  std::byte* entry(const Position& at) const noexcept { return areas_.descriptors + kDescriptorSize * at.index(); }

  // §2.8.1: available when the one bit equals the wrap counter and the other does not.
  bool waiting() const noexcept {
    const auto flags = load_acquire<uint16_t>(entry(available_) + kFlagsOffset);
    const bool available_bit = (flags & kDescriptorAvailable) != 0;
    const bool used_bit = (flags & kDescriptorUsed) != 0;
    return available_bit == available_.wrap_counter() && used_bit != available_.wrap_counter();
  }

  // Whether a buffer waits. When there is none, kicks are asked for, and the ring is looked at once more.
  bool available() noexcept {
    // A ring whose entries are all in flight has none to give, whatever its flags say.
    if (outstanding() < config_.size && waiting()) {
      if (!event_index_ && kicks_) set_event(Event::disable);
      return true;
    }
    if (event_index_) {
      if (armed_ && armed_at_ == available_.to_event()) return false;
      armed_ = true;
      armed_at_ = available_.to_event();
      set_event(Event::at_descriptor);
    } else {
      if (kicks_) return false;
      set_event(Event::enable);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return outstanding() < config_.size && waiting();
  }

  void set_event(Event event) noexcept {
    kicks_ = event != Event::disable;
    store_relaxed<uint32_t>(areas_.device_event, static_cast<uint32_t>(event) << 16 | available_.to_event());
    memory_.mark_dirty(config_.device, kEventSize);
  }

  bool wants_interrupt(const Position& before) const noexcept {
    const auto raw = load_relaxed<uint32_t>(areas_.driver_event);
    switch (static_cast<Event>((raw >> 16) & kEventMask)) {
      case Event::disable:
        return false;
      case Event::at_descriptor: {
        Position event(config_.size);
        if (!event_index_ || !event.set_event(static_cast<uint16_t>(raw))) return true;
        return event.distance_from(before) < used_.distance_from(before);
      }
      default:
        return true;
    }
  }

  // §2.8.12: both bits equal the wrap counter; WRITE says that the length is meant.
  uint16_t used_flags(uint32_t written) const noexcept {
    const uint16_t wrap = used_.wrap_counter() ? kDescriptorAvailable | kDescriptorUsed : 0;
    return static_cast<uint16_t>(wrap | (written != 0 ? kDescriptorWrite : 0));
  }

  // §2.8.7, §2.8.19
  hv::Result<void> take_indirect(ChainSlot& slot, const RawDescriptor& descriptor) {
    if (!indirect_) return hv::error("an indirect descriptor, which was not negotiated");
    if ((descriptor.fourth & kDescriptorNext) != 0 || slot.ring_entries != 1) {
      return hv::error("an indirect descriptor in a chain with others");
    }
    const IndirectTable table =
        TRY(IndirectTable::create(memory_, descriptor.address, descriptor.length, config_.size));
    for (uint32_t index = 0; index < table.size(); ++index) {
      const RawDescriptor in_table = TRY(table.entry(index));
      const uint16_t flags = in_table.fourth;
      if ((flags & kDescriptorIndirect) != 0) return hv::error("an indirect descriptor in an indirect table");
      TRY(slot.append(memory_, in_table.address, in_table.length, (flags & kDescriptorWrite) != 0));
    }
    return {};
  }

  const VirtqueueConfig config_;
  hv::GuestMemory& memory_;
  const Areas areas_;
  const bool event_index_;
  const bool indirect_;
  Position available_;
  Position used_;
  Position published_;
  std::byte* first_ = nullptr;  ///< the first entry put since the last publish
  uint32_t first_index_ = 0;
  uint16_t first_flags_ = 0;
  bool kicks_ = false;  ///< without event index: the driver was told to kick
  bool armed_ = false;  ///< with event index: the driver was asked to kick at armed_at_
  uint16_t armed_at_ = 0;
};

}  // namespace

hv::Result<std::unique_ptr<Ring>> make_packed_ring(const VirtqueueConfig& config, uint64_t features,
                                                   hv::GuestMemory& memory) {
  if (config.size == 0 || config.size > kLargestQueue) return hv::error("a packed queue of {} entries", config.size);
  const PackedRing::Areas areas = {
      TRY(ring_area(memory, "descriptor ring", config.descriptors, kDescriptorSize * config.size, 16)),
      TRY(ring_area(memory, "driver event suppression area", config.driver, kEventSize, 4)),
      TRY(ring_area(memory, "device event suppression area", config.device, kEventSize, 4))};
  return std::make_unique<PackedRing>(config, features, memory, areas);
}

}  // namespace devices::virtio
