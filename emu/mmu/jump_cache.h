#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/mmu/leaf_extents.h"
#include "hv/core/guest_address.h"

namespace emu::mmu {

/// Translated code by the guest's virtual address: what a jump looks up first. It goes with an inline TLB, whose
/// flushes it shares: what it has holds until the guest orders translations to be forgotten. Generated code reads and
/// fills it directly. Owned by the vCPU's thread.
struct JumpCache {
  static constexpr size_t kEntries = 4096;
  static constexpr size_t kPages = 8192;  ///< a half for each sign, so that user pages do not stand for kernel code
  static constexpr unsigned kFold = 11;   ///< a page's number is folded over the offsets in it by this many bits

  struct Entry {
    uint64_t address = ~uint64_t{0};  ///< no code has an odd address
    const std::byte* code = nullptr;
  };

  std::array<Entry, kEntries> entries;
  /// By page_index: whether a page may have entries, so that most flushes of data have nothing to do.
  std::array<uint8_t, kPages> has_entries{};
  bool is_empty = true;
  unsigned mode = 0;  ///< that the code was made for

  /// Instructions begin at even addresses.
  static size_t index(uint64_t address) noexcept { return ((address ^ address >> kFold) >> 1) & (kEntries - 1); }
  static size_t page_index(uint64_t address) noexcept {
    return ((address >> hv::kGuestPageShift) & (kPages / 2 - 1)) | (address >> 63) * (kPages / 2);
  }

  /// nullptr if it is not known.
  const std::byte* find(uint64_t address) const noexcept {
    const Entry& entry = entries[index(address)];
    return entry.address == address ? entry.code : nullptr;
  }
  void add(uint64_t address, const std::byte* code) noexcept {
    entries[index(address)] = {address, code};
    has_entries[page_index(address)] = 1;
    is_empty = false;
  }
  void clear() noexcept {
    if (is_empty) return;  // there is one for each table and some modes, and kernels flush all tables often
    entries.fill({});
    has_entries.fill(0);
    is_empty = true;
  }
  void forget(VirtualRange range) noexcept {
    if (is_empty) return;
    const uint64_t pages = std::min<uint64_t>(range.pages(), kPages);
    for (uint64_t i = 0; i < pages; ++i) {
      if (has_entries[page_index(range.first + i * hv::kGuestPageSize)] != 0) return clear();
    }
  }
  /// Forgets what was made for another mode.
  void use_mode(unsigned wanted) noexcept {
    if (mode == wanted) return;
    clear();
    mode = wanted;
  }
};

}  // namespace emu::mmu
