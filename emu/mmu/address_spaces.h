#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/mmu/leaf_extents.h"
#include "emu/mmu/second_level_tlb.h"
#include "emu/mmu/tlb.h"

namespace emu::mmu {

/// The translation caches of one vCPU, arranged so that going from one address space to another and back flushes
/// nothing that still holds:
///
/// - Accesses that see only the space's own pages (user mode) have an inline table for each of the spaces used last.
/// - Accesses that see what all spaces have in common (kernel mode) have tables that outlive the change. Their entries
///   that are not global are noted, few in number, and go when the space changes.
/// - Behind them is one second-level TLB, tagged with the space; it remembers more spaces than there are tables.
///
/// A space is known by its ASID and the root of its page table. Architectures let a change of root under the same ASID
/// take effect late; here it takes effect at once. Owned by the vCPU's thread.
class AddressSpaces {
 public:
  static constexpr size_t kSpaces = 32;
  static constexpr size_t kOwnTables = 4;
  static constexpr size_t kSharedTables = 3;
  /// Larger ranges are flushed by flushing all of their space.
  static constexpr uint64_t kMostPages = 512;
  static constexpr uint32_t kNoAsid = ~uint32_t{0};

  AddressSpaces() noexcept;

  /// Makes `asid` with `root` the present space. `regime` tells how addresses are translated: what is global is so
  /// within one regime.
  void enter(uint32_t asid, uint64_t root, unsigned regime) noexcept;

  /// The inline table of the present space's own pages.
  Tlb& own() noexcept {
    if (current_->table == nullptr) [[unlikely]]
      give_table(*current_);
    return *current_->table;
  }
  /// One of the inline tables that outlive a change of space.
  Tlb& shared(size_t index) noexcept { return shared_[index]; }

  /// Looks a page of the present space up, behind the inline tables.
  SecondLevelTlb::Page find(uint64_t address) noexcept {
    const SecondLevelTlb::Page page = second_level_.find(address);
    ++(page.host != nullptr ? counters_.second_level_hits : counters_.walks);
    return page;
  }
  /// For code that looks a page up by itself.
  const SecondLevelTlb::View& second_level() const noexcept { return second_level_.view(); }
  /// Remembers a page of the present space, which a leaf of `leaf_size` bytes maps.
  void add(uint64_t address, uint64_t leaf_size, std::byte* host_page, uint8_t flags, bool is_global) noexcept;

  void flush() noexcept;
  /// Flushes what is not global in the space of `asid`.
  void flush_asid(uint32_t asid) noexcept;
  /// Flushes a range in all spaces.
  void flush(VirtualRange range) noexcept;
  /// Flushes what is not global in a range of the space of `asid`.
  void flush_asid(VirtualRange range, uint32_t asid) noexcept;
  /// Takes the permission to write, `write_flag` of the second level, from all pages: who writes next asks again.
  void drop_writes(uint8_t write_flag) noexcept;

  /// Forgets the translated code that jumps lead to, in all spaces.
  void forget_jumps() noexcept;

  /// Counted where the inline tables missed.
  struct Counters {
    uint64_t second_level_hits = 0;
    uint64_t walks = 0;
    uint64_t changes = 0;  ///< of the space
    uint64_t flushes = 0;  ///< of everything, of a space or of a range
  };
  const Counters& counters() const noexcept { return counters_; }

 private:
  struct Space {
    uint32_t asid = kNoAsid;
    SpaceNumber number = 0;
    uint64_t root = 0;
    uint64_t last_entered = 0;
    Tlb* table = nullptr;
    LeafExtents extents;
  };

  Space* find_space(uint32_t asid) noexcept;
  /// The space that was left longest ago, to be used for another one.
  Space& oldest() noexcept;
  void give_table(Space& space) noexcept;
  /// Forgets all that was translated in a space, but for what the shared tables have of it.
  void renew(Space& space) noexcept;
  SpaceNumber next_number() noexcept;
  /// The second level's look-ups are for the present space, which or whose number may have changed.
  void use_numbers() noexcept { second_level_.use(current_->number, global_.number); }
  void flush_local() noexcept;

  std::array<Space, kSpaces> spaces_{};
  Space global_;  ///< the pages that all spaces share: a number and extents
  Space* current_ = nullptr;
  std::array<Tlb, kOwnTables> own_;
  std::array<Tlb, kSharedTables> shared_;
  SecondLevelTlb second_level_;
  SpaceNumber last_number_ = 0;
  unsigned regime_ = 0;
  Counters counters_;
};

}  // namespace emu::mmu
