#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "hv/core/guest_address.h"

namespace emu::mmu {

/// A number that stands for one address space between two flushes of it, or for the pages that all of them share.
using SpaceNumber = uint32_t;

/// The TLB behind the inline ones of a vCPU: set-associative, tagged with the address space. It keeps what a page-table
/// walk and the checks on the physical page found out, whatever the mode: those who look a page up apply the rules of
/// their mode to its flags. An address space is flushed by giving it another number. Owned by the vCPU's thread;
/// allocated when something is first added.
class SecondLevelTlb {
 public:
  static constexpr size_t kSets = 2048;
  static constexpr size_t kWays = 4;                                      ///< a set is one cache line
  static constexpr SpaceNumber kMostSpaces = (SpaceNumber{1} << 19) - 1;  ///< numbers are 1 to this

  struct Entry {
    uint64_t tag = 0;    ///< bits 56:12 of the virtual address, the space's number below; 0: empty
    uint64_t value = 0;  ///< the page's host address, flags below
  };
  using Set = std::array<Entry, kWays>;
  static_assert(sizeof(Set) == 64);
  static constexpr unsigned kSpaceBits = 19;
  static constexpr unsigned kAddressBits = 57;
  static constexpr unsigned kFold = 11;  ///< of the page's number, for that of the set

  /// What a look-up begins with; generated code reads it.
  struct View {
    const Set* sets = nullptr;  ///< kSets; nullptr: nothing was added yet
    uint64_t own = 0;           ///< the present space
    uint64_t global = 0;        ///< what all spaces share
  };

  /// RAM that a page maps to. `flags` mean what the guest's architecture wants them to.
  struct Page {
    std::byte* host = nullptr;  ///< nullptr: not found
    uint8_t flags = 0;
    bool is_global = false;
  };

  /// Makes `own` the present space, and `global` what all spaces share.
  void use(SpaceNumber own, SpaceNumber global) noexcept {
    view_.own = own;
    view_.global = global;
  }
  const View& view() const noexcept { return view_; }

  /// Looks for the page of `address` in the present space and among what all spaces share. Generated code does the same
  /// (emu/jit/x64/thunks.cc).
  Page find(uint64_t address) const noexcept {
    if (sets_ == nullptr || !is_taggable(address)) [[unlikely]]
      return {};
    const uint64_t own_tag = page_tag(address) | view_.own;
    const uint64_t global_tag = page_tag(address) | view_.global;
    for (const Entry& entry : (*sets_)[set_of(address)]) {
      if (entry.tag == own_tag || entry.tag == global_tag) {
        return {reinterpret_cast<std::byte*>(entry.value & ~kFlags), static_cast<uint8_t>(entry.value & kFlags),
                entry.tag == global_tag};
      }
    }
    return {};
  }

  void add(uint64_t address, SpaceNumber space, std::byte* host_page, uint8_t flags) noexcept;

  /// Forgets the page of `address` in all spaces.
  void flush_page(uint64_t address) noexcept;
  /// Takes `flags` from all pages.
  void drop_flags(uint8_t flags) noexcept;
  void clear() noexcept;

 private:
  using Sets = std::array<Set, kSets>;
  static constexpr uint64_t kFlags = hv::kGuestPageSize - 1;

  /// Whether the bits that a tag leaves out are copies of its highest one, as in every valid address.
  static bool is_taggable(uint64_t address) noexcept {
    constexpr unsigned kUnused = 64 - kAddressBits;
    return static_cast<uint64_t>(static_cast<int64_t>(address << kUnused) >> kUnused) == address;
  }
  static uint64_t page_tag(uint64_t address) noexcept {
    constexpr uint64_t kPage = (uint64_t{1} << (kAddressBits - hv::kGuestPageShift)) - 1;
    return (address >> hv::kGuestPageShift & kPage) << kSpaceBits;
  }
  static uint64_t tag_of(uint64_t address, SpaceNumber space) noexcept { return page_tag(address) | space; }
  static size_t set_of(uint64_t address) noexcept {
    const uint64_t page = address >> hv::kGuestPageShift;
    return (page ^ page >> kFold) & (kSets - 1);
  }

  std::unique_ptr<Sets> sets_;
  View view_;
};

}  // namespace emu::mmu
