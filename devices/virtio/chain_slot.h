#pragma once

#include <cstdint>
#include <vector>

#include "devices/virtio/virtqueue.h"
#include "hv/base/result.h"
#include "hv/core/guest_memory.h"

namespace devices::virtio {

/// A buffer's descriptors as they were copied from the guest, checked and translated. Slots are used again, so that a
/// queue that runs allocates nothing.
struct ChainSlot {
  std::vector<Segment> segments;  ///< the readable ones first
  size_t readable_segments = 0;
  uint32_t readable_size = 0;  ///< bytes
  uint32_t writable_size = 0;  ///< bytes
  uint64_t sequence = 0;       ///< buffers in the order in which they were popped
  uint16_t id = 0;             ///< what the driver knows the buffer by: a split ring's head, a packed ring's buffer ID
  uint16_t ring_entries = 1;   ///< how far it moves the ring on
  bool in_use = false;
  bool exposed = false;  ///< host addresses of writable bytes were handed out

  /// Takes one descriptor. Error: it is empty, not RAM, readable after writable, or makes the buffer 4 GiB or longer.
  hv::Result<void> append(const hv::GuestMemory& memory, hv::GuestAddress address, uint32_t length, bool writable);

  /// Forgets the buffer. The memory for its segments is kept, unless it is more than buffers commonly need.
  void clear() noexcept;
};

}  // namespace devices::virtio
