#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "hv/core/guest_address.h"

namespace emu::mmu {

/// One translated 4 KiB page. A tag is the page's virtual address where that kind of access may take the fast path, and
/// kNoPage where it may not; `virtual address + addend` is then the host address. Generated code and the interpreter
/// read the fields directly.
struct alignas(32) TlbEntry {
  static constexpr uint64_t kNoPage = ~uint64_t{0};

  uint64_t read = kNoPage;
  uint64_t write = kNoPage;
  uint64_t execute = kNoPage;
  uintptr_t addend = 0;
};

/// The inline TLB of one mode of one vCPU: direct-mapped, only RAM, only pages whose access needs no further check.
/// Owned by the vCPU's thread.
class Tlb {
 public:
  static constexpr size_t kEntries = 1024;

  TlbEntry* entries() noexcept { return entries_.data(); }

  static constexpr size_t index(uint64_t address) { return (address >> hv::kGuestPageShift) & (kEntries - 1); }
  TlbEntry& slot(uint64_t address) noexcept { return entries_[index(address)]; }

  /// Called for each entry that is filled. Notes that the page comes from a leaf of `leaf_size` bytes, so that flushing
  /// any address of a huge page flushes all of it.
  void note_leaf(uint64_t address, uint64_t leaf_size) noexcept {
    empty_ = false;
    if (leaf_size <= hv::kGuestPageSize) return;
    const uint64_t base = address & ~(leaf_size - 1);
    huge_low_ = base < huge_low_ ? base : huge_low_;
    huge_high_ = base + leaf_size - 1 > huge_high_ ? base + leaf_size - 1 : huge_high_;
  }

  void flush() noexcept {
    if (empty_) return;
    empty_ = true;
    entries_.fill(TlbEntry{});
    huge_low_ = ~uint64_t{0};
    huge_high_ = 0;
  }

  /// Flushes what translates `address`; all of the table when that may be a huge page.
  void flush_page(uint64_t address) noexcept {
    if (address >= huge_low_ && address <= huge_high_) return flush();
    const uint64_t page = address & ~(hv::kGuestPageSize - 1);
    TlbEntry& entry = slot(address);
    if (entry.read == page || entry.write == page || entry.execute == page) entry = TlbEntry{};
  }

 private:
  std::array<TlbEntry, kEntries> entries_{};
  bool empty_ = true;  ///< nothing was filled since the last flush
  uint64_t huge_low_ = ~uint64_t{0};
  uint64_t huge_high_ = 0;
};

}  // namespace emu::mmu
