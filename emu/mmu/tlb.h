#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "emu/mmu/jump_cache.h"
#include "emu/mmu/leaf_extents.h"
#include "emu/mmu/windows.h"
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

  bool translates(VirtualRange range) const noexcept {
    return (read != kNoPage && range.contains(read)) || (write != kNoPage && range.contains(write)) ||
           (execute != kNoPage && range.contains(execute));
  }
};

/// Which of a table's entries may be in use, as long as they are few: so that emptying a table that a short-lived
/// process has hardly used does not cost its whole size.
template <size_t kMost>
struct SlotJournal {
  void add(size_t slot) noexcept {
    if (count <= kMost) slots[count++] = static_cast<uint16_t>(slot);
  }
  bool is_empty() const noexcept { return count == 0; }
  /// More were added than it is for: any entry may be in use.
  bool overflowed() const noexcept { return count > kMost; }
  const uint16_t* begin() const noexcept { return slots.data(); }
  const uint16_t* end() const noexcept { return slots.data() + count; }
  void clear() noexcept { count = 0; }

  uint64_t count = 0;
  std::array<uint16_t, kMost + 1> slots{};
};

/// One inline TLB: direct-mapped, only RAM, only pages whose access needs no further check. Which table an access uses
/// follows from the mode and the address space (`AddressSpaces`), so a change of either is a change of pointer. Owned
/// by the vCPU's thread.
class Tlb {
 public:
  static constexpr size_t kEntries = 4096;

  /// Pages that lie a power of two apart, as large arrays do, do not meet in one entry.
  static constexpr unsigned kFold = 6;
  static constexpr size_t index(uint64_t address) {
    const uint64_t page = address >> hv::kGuestPageShift;
    return (page ^ page >> kFold) & (kEntries - 1);
  }

  /// The table; it is allocated when first asked for and then stays where it is.
  TlbEntry* entries() noexcept {
    if (entries_ == nullptr) [[unlikely]]
      allocate();
    return entries_->data();
  }

  /// Enters a page; after `entries` was called. `is_global`: it holds in every address space.
  void fill(uint64_t address, const TlbEntry& entry, bool is_global) noexcept {
    const size_t slot = index(address);
    (*entries_)[slot] = entry;
    journal_.used.add(slot);
    if (is_global) return;
    journal_.local.add(slot);
    has_local_code_ |= entry.execute != TlbEntry::kNoPage;
  }

  /// What `fill` notes down. Generated code, which enters pages that it can only read and write, does the same.
  struct Journal {
    static constexpr size_t kMostUsed = 384;
    static constexpr size_t kMostLocal = 64;
    SlotJournal<kMostUsed> used;    ///< filled since the last flush
    SlotJournal<kMostLocal> local;  ///< of these, those that were not global
  };
  Journal& journal() noexcept { return journal_; }

  /// The translated code that jumps by this table find; allocated when first asked for. There are two, for modes that
  /// come and go: kernels run without floating point for the most part.
  static constexpr size_t kJumpCaches = 2;
  JumpCache& jumps(size_t which) noexcept {
    if (jumps_[which] == nullptr) [[unlikely]]
      jumps_[which] = std::make_unique<JumpCache>();
    return *jumps_[which];
  }
  /// The code was thrown away.
  void forget_jumps() noexcept;

  /// Windows that are open for this table's entries are closed with them; nullptr: there are none.
  void show_through(Windows* windows) noexcept { windows_ = windows; }

  void flush() noexcept;
  /// Flushes at least what is not global.
  void flush_local() noexcept;
  void flush(VirtualRange range) noexcept;
  /// Takes the permission to write from all entries.
  void drop_writes() noexcept;

 private:
  using Entries = std::array<TlbEntry, kEntries>;
  static_assert(kEntries <= 65536, "SlotJournal has 16-bit slots");

  void allocate() noexcept;
  template <size_t kMost>
  void clear_slots(const SlotJournal<kMost>& slots) noexcept;

  std::unique_ptr<Entries> entries_;
  Journal journal_;
  bool has_local_code_ = false;
  Windows* windows_ = nullptr;
  std::array<std::unique_ptr<JumpCache>, kJumpCaches> jumps_;
};

}  // namespace emu::mmu
