#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "hv/core/guest_address.h"

namespace emu::mmu {

/// An inclusive range of virtual addresses, so that it may reach the last one.
struct VirtualRange {
  uint64_t first = 0;
  uint64_t last = 0;

  constexpr uint64_t pages() const noexcept {
    return (last >> hv::kGuestPageShift) - (first >> hv::kGuestPageShift) + 1;
  }
  constexpr bool contains(uint64_t address) const noexcept { return address >= first && address <= last; }
};

/// Where leaves of more than one page have been seen. The tables hold single pages; flushing any address of a larger
/// leaf must flush all of that leaf's pages, and this tells how far they may reach. For each size of leaf it remembers
/// one range that covers all of them, so it may name too much, never too little.
class LeafExtents {
 public:
  void note(uint64_t address, uint64_t leaf_size) noexcept {
    if (leaf_size <= hv::kGuestPageSize) return;
    Extent& extent = of(leaf_size);
    extent.size = std::max(extent.size, leaf_size);
    const uint64_t first = address & ~(leaf_size - 1);
    extent.range.first = std::min(extent.range.first, first);
    extent.range.last = std::max(extent.range.last, first + (leaf_size - 1));
  }

  /// `range` widened to whole pages and to the whole of each leaf that it may touch.
  VirtualRange widen(VirtualRange range) const noexcept {
    range.first &= ~(hv::kGuestPageSize - 1);
    range.last |= hv::kGuestPageSize - 1;
    for (size_t i = 0; i < count_; ++i) {
      const Extent& extent = extents_[i];
      if (range.last < extent.range.first || range.first > extent.range.last) continue;
      if (range.first >= extent.range.first) range.first &= ~(extent.size - 1);
      if (range.last <= extent.range.last) range.last |= extent.size - 1;
    }
    return range;
  }

  void clear() noexcept { count_ = 0; }

 private:
  struct Extent {
    uint64_t size = 0;
    VirtualRange range{~uint64_t{0}, 0};
  };

  /// The extent for leaves of `size`, in ascending order of sizes so that `widen` needs one pass. There are never more
  /// sizes than levels of a page table, and contiguous runs; should there be, the last extent takes the rest.
  Extent& of(uint64_t size) noexcept {
    size_t i = 0;
    while (i < count_ && extents_[i].size < size) ++i;
    if (i < count_ && extents_[i].size == size) return extents_[i];
    if (count_ == extents_.size()) return extents_.back();
    std::copy_backward(&extents_[i], &extents_[count_], &extents_[count_ + 1]);
    ++count_;
    return extents_[i] = Extent{.size = size, .range = {~uint64_t{0}, 0}};
  }

  std::array<Extent, 6> extents_{};
  size_t count_ = 0;
};

}  // namespace emu::mmu
