#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include <sys/uio.h>

#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "hv/core/state_io.h"

namespace devices::virtio {

class Ring;
class Virtqueue;
struct ChainSlot;

/// A piece of a buffer: within one region of guest memory, never empty.
struct Segment {
  hv::GuestAddress address;
  std::byte* host = nullptr;  ///< the guest can change what is there at any time
  uint32_t length = 0;
};

/// A buffer that the driver made available. Its descriptors were copied once and checked: all of it is guest memory,
/// the device-readable part comes before the device-writable one, and both together are shorter than 4 GiB.
///
/// Belongs to the device's event loop. It goes back to the driver by `complete`, or with 0 bytes when it is dropped;
/// chains of a queue may complete in any order, also after a reset (when completing does nothing).
class DescriptorChain {
 public:
  DescriptorChain(DescriptorChain&& other) noexcept = default;
  DescriptorChain& operator=(DescriptorChain&& other) noexcept;
  ~DescriptorChain();

  std::span<const Segment> readable() const noexcept;
  std::span<const Segment> writable() const noexcept;
  uint32_t readable_size() const noexcept;  ///< bytes
  uint32_t writable_size() const noexcept;  ///< bytes

  /// Copies the readable part from byte `offset` on; returns the bytes copied, less than asked for where the part ends.
  size_t read(uint64_t offset, std::span<std::byte> out) const noexcept;
  /// Copies into the writable part from byte `offset` on; returns the bytes copied.
  size_t write(uint64_t offset, std::span<const std::byte> data) noexcept;

  /// An object of the readable part, or nothing where the part is too short.
  template <typename T>
  requires std::is_trivially_copyable_v<T> std::optional<T> read_object(uint64_t offset)
  const noexcept {
    T object;
    if (read(offset, std::as_writable_bytes(std::span(&object, 1))) != sizeof object) return std::nullopt;
    return object;
  }
  /// False (and a part of the object written) where the writable part is too short.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  bool write_object(uint64_t offset, const T& object) noexcept {
    return write(offset, std::as_bytes(std::span(&object, 1))) == sizeof object;
  }

  /// Host addresses of up to `length` bytes from `offset` on, appended to `out`, for I/O without a copy; returns the
  /// bytes described. The guest can change readable bytes at any time. They stay valid as long as the chain; a chain
  /// whose writable bytes were handed out counts as written in full when it completes.
  size_t readable_iovecs(uint64_t offset, uint64_t length, std::vector<iovec>& out) const;
  size_t writable_iovecs(uint64_t offset, uint64_t length, std::vector<iovec>& out);

  /// Hands the buffer back; `written` is how many bytes, from the start of the writable part, the device wrote.
  void complete(uint32_t written) noexcept;

 private:
  friend class Virtqueue;
  DescriptorChain(std::shared_ptr<Virtqueue> queue, ChainSlot* slot) noexcept;

  std::shared_ptr<Virtqueue> queue_;  ///< null once completed or moved from
  ChainSlot* slot_ = nullptr;
};

/// What the driver set up. For a packed ring `driver` and `device` are its two event suppression structures.
struct VirtqueueConfig {
  uint16_t size = 0;
  hv::GuestAddress descriptors;
  hv::GuestAddress driver;
  hv::GuestAddress device;
  bool ready = false;

  void save(hv::StateWriter& writer) const;
  void load(hv::StateReader& reader);
};

/// The device's end of one virtqueue, split or packed (VIRTIO 1.2 §2.7, §2.8). Everything in the guest's rings is taken
/// for hostile: an inconsistency is an Error, after which the queue gives nothing more.
///
/// Belongs to the device's event loop.
class Virtqueue : public std::enable_shared_from_this<Virtqueue> {
 public:
  /// `interrupt` is called when the driver is to be told of used buffers.
  /// Error: the size is none that the ring allows, or a ring is misaligned or not in memory.
  static hv::Result<std::shared_ptr<Virtqueue>> create(const VirtqueueConfig& config, uint64_t features,
                                                       hv::GuestMemory& memory, std::function<void()> interrupt);
  ~Virtqueue();

  uint16_t size() const noexcept { return config_.size; }

  /// The next available buffer; nothing when there is none, and the driver then kicks when it adds one.
  hv::Result<std::optional<DescriptorChain>> pop();

  /// While a Batch lives, completed buffers are held back; its end shows all of them to the driver at once, with at
  /// most one interrupt. A net device needs it for a packet that fills several buffers.
  class Batch {
   public:
    explicit Batch(Virtqueue& queue) noexcept : queue_(queue) { ++queue_.batch_depth_; }
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    Virtqueue& queue_;
  };

  /// Buffers popped and not yet completed.
  size_t in_flight() const noexcept { return in_flight_; }
  /// From now on nothing is popped and no guest memory written; `idle` is called when no buffer is in flight, maybe at
  /// once.
  void close(std::function<void()> idle);

  /// Positions, and the buffers in flight: after `load` they are popped again, before any other.
  void save(hv::StateWriter& writer) const;
  void load(hv::StateReader& reader);

 private:
  friend class DescriptorChain;
  Virtqueue(const VirtqueueConfig& config, hv::GuestMemory& memory, std::unique_ptr<Ring> ring,
            std::function<void()> interrupt);

  ChainSlot* free_slot();
  void load_slot(hv::StateReader& reader, ChainSlot& slot);
  void finish(ChainSlot& slot, uint32_t written) noexcept;
  void publish() noexcept;

  VirtqueueConfig config_;
  hv::GuestMemory& memory_;
  std::unique_ptr<Ring> ring_;
  std::function<void()> interrupt_;
  std::function<void()> idle_;
  std::vector<std::unique_ptr<ChainSlot>> slots_;  ///< made when first needed, at most one for each ring entry
  std::vector<ChainSlot*> free_;
  std::vector<ChainSlot*> replay_;  ///< loaded and to be popped again, last one first
  uint64_t next_sequence_ = 0;
  size_t in_flight_ = 0;
  unsigned batch_depth_ = 0;
  bool unpublished_ = false;
  bool broken_ = false;
  bool closed_ = false;
};

}  // namespace devices::virtio
