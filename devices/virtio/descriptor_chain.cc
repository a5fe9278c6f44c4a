#include <algorithm>
#include <cstring>

#include "devices/virtio/chain_slot.h"
#include "devices/virtio/virtqueue.h"

namespace devices::virtio {
namespace {

// Calls `visit(segment, offset in it, bytes)` for the pieces of [offset, offset + length) of a buffer; returns the
// bytes visited.
template <typename Visit>
size_t for_each_piece(std::span<const Segment> segments, uint64_t offset, uint64_t length, Visit&& visit) {
  size_t done = 0;
  for (const Segment& segment : segments) {
    if (done == length) break;
    if (offset >= segment.length) {
      offset -= segment.length;
      continue;
    }
    const auto bytes = static_cast<size_t>(std::min(segment.length - offset, length - done));
    visit(segment, static_cast<size_t>(offset), bytes);
    done += bytes;
    offset = 0;
  }
  return done;
}

}  // namespace

DescriptorChain::DescriptorChain(std::shared_ptr<Virtqueue> queue, ChainSlot* slot) noexcept
    : queue_(std::move(queue)), slot_(slot) {}

DescriptorChain& DescriptorChain::operator=(DescriptorChain&& other) noexcept {
  if (this != &other) {
    if (queue_ != nullptr) complete(0);
    queue_ = std::move(other.queue_);
    slot_ = other.slot_;
  }
  return *this;
}

DescriptorChain::~DescriptorChain() {
  if (queue_ != nullptr) complete(0);
}

std::span<const Segment> DescriptorChain::readable() const noexcept {
  return std::span<const Segment>(slot_->segments).first(slot_->readable_segments);
}

std::span<const Segment> DescriptorChain::writable() const noexcept {
  return std::span<const Segment>(slot_->segments).subspan(slot_->readable_segments);
}

uint32_t DescriptorChain::readable_size() const noexcept { return slot_->readable_size; }
uint32_t DescriptorChain::writable_size() const noexcept { return slot_->writable_size; }

size_t DescriptorChain::read(uint64_t offset, std::span<std::byte> out) const noexcept {
  std::byte* to = out.data();
  return for_each_piece(readable(), offset, out.size(), [&](const Segment& segment, size_t from, size_t bytes) {
    std::memcpy(to, segment.host + from, bytes);
    to += bytes;
  });
}

size_t DescriptorChain::write(uint64_t offset, std::span<const std::byte> data) noexcept {
  if (queue_->closed_) return 0;
  const std::byte* from = data.data();
  return for_each_piece(writable(), offset, data.size(), [&](const Segment& segment, size_t to, size_t bytes) {
    std::memcpy(segment.host + to, from, bytes);
    queue_->memory_.mark_dirty(segment.address + to, bytes);
    from += bytes;
  });
}

size_t DescriptorChain::readable_iovecs(uint64_t offset, uint64_t length, std::vector<iovec>& out) const {
  return for_each_piece(readable(), offset, length, [&](const Segment& segment, size_t from, size_t bytes) {
    out.push_back({segment.host + from, bytes});
  });
}

size_t DescriptorChain::writable_iovecs(uint64_t offset, uint64_t length, std::vector<iovec>& out) {
  if (queue_->closed_) return 0;
  slot_->exposed = true;
  return for_each_piece(writable(), offset, length, [&](const Segment& segment, size_t from, size_t bytes) {
    out.push_back({segment.host + from, bytes});
  });
}

void DescriptorChain::complete(uint32_t written) noexcept {
  const std::shared_ptr<Virtqueue> queue = std::move(queue_);
  queue->finish(*slot_, written);
}

}  // namespace devices::virtio
