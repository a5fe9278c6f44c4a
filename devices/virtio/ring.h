#pragma once

#include <cstdint>
#include <memory>

#include "devices/virtio/chain_slot.h"
#include "devices/virtio/descriptor.h"
#include "devices/virtio/virtqueue.h"
#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "hv/core/state_io.h"

namespace devices::virtio {

/// One of the two ring formats: how buffers are found in guest memory and handed back. Belongs to the device's loop.
class Ring {
 public:
  virtual ~Ring() = default;

  /// Copies the next available buffer into `slot` and moves past it; false when there is none, and the driver was then
  /// asked to kick when it adds one. Error: the ring or the chain is malformed; `slot` holds rubbish then.
  virtual hv::Result<bool> take(ChainSlot& slot) = 0;
  /// Writes a used entry that the driver does not see yet.
  virtual void put(const ChainSlot& slot, uint32_t written) noexcept = 0;
  /// Shows the driver all entries put so far; true when it wants an interrupt.
  virtual bool publish() noexcept = 0;

  virtual void save(hv::StateWriter& writer) const = 0;
  virtual void load(hv::StateReader& reader) = 0;
  /// The ring entries that were taken and not put back.
  virtual uint32_t outstanding() const noexcept = 0;
};

/// Error: the size is none that the ring allows, or a part is misaligned or not in memory.
hv::Result<std::unique_ptr<Ring>> make_split_ring(const VirtqueueConfig& config, uint64_t features,
                                                  hv::GuestMemory& memory);
hv::Result<std::unique_ptr<Ring>> make_packed_ring(const VirtqueueConfig& config, uint64_t features,
                                                   hv::GuestMemory& memory);

/// The host address of one of the ring's areas. Error: it is misaligned or not in memory.
hv::Result<std::byte*> ring_area(const hv::GuestMemory& memory, const char* name, hv::GuestAddress address,
                                 uint64_t length, uint64_t alignment);

/// The table that an indirect descriptor refers to.
class IndirectTable {
 public:
  /// Error: it is empty, not made of whole descriptors, or too long.
  static hv::Result<IndirectTable> create(const hv::GuestMemory& memory, hv::GuestAddress address, uint32_t length,
                                          uint16_t queue_size);
  uint32_t size() const noexcept { return size_; }
  /// A copy of one descriptor. Error: it is not in memory.
  hv::Result<RawDescriptor> entry(uint32_t index) const;

 private:
  IndirectTable(const hv::GuestMemory& memory, hv::GuestAddress address, uint32_t size) noexcept;

  const hv::GuestMemory& memory_;
  hv::GuestAddress address_;
  const std::byte* host_;  ///< null where the table cannot be read straight
  uint32_t size_;
};

}  // namespace devices::virtio
