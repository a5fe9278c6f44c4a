#include "devices/virtio/chain_slot.h"

#include <algorithm>
#include <limits>

namespace devices::virtio {
namespace {

constexpr size_t kCommonSegments = 256;

const hv::GuestMemory::Region* find_region(const hv::GuestMemory& memory, hv::GuestAddress address) noexcept {
  for (const hv::GuestMemory::Region& region : memory.regions()) {
    if (region.range.contains(address)) return &region;
  }
  return nullptr;
}

}  // namespace

hv::Result<void> ChainSlot::append(const hv::GuestMemory& memory, hv::GuestAddress address, uint32_t length,
                                   bool writable) {
  if (length == 0) return hv::error("a descriptor of 0 bytes");
  if (!writable && writable_size != 0) return hv::error("a readable descriptor after a writable one");
  if (length > std::numeric_limits<uint32_t>::max() - readable_size - writable_size) {
    return hv::error("a buffer of 4 GiB or more");
  }
  for (uint32_t left = length; left != 0;) {
    const hv::GuestMemory::Region* const region = find_region(memory, address);
    if (region == nullptr) return hv::error("a descriptor at {:#x}, which is not memory", address.value);
    const uint64_t offset = address - region->range.base;
    const auto piece = static_cast<uint32_t>(std::min<uint64_t>(left, region->range.size - offset));
    segments.push_back({address, region->host + offset, piece});
    address = address + piece;
    left -= piece;
  }
  if (writable) {
    writable_size += length;
  } else {
    readable_size += length;
    readable_segments = segments.size();
  }
  return {};
}

void ChainSlot::clear() noexcept {
  if (segments.capacity() > kCommonSegments) {
    std::vector<Segment>().swap(segments);
  } else {
    segments.clear();
  }
  readable_segments = 0;
  readable_size = 0;
  writable_size = 0;
  id = 0;
  ring_entries = 1;
  in_use = false;
  exposed = false;
}

}  // namespace devices::virtio
