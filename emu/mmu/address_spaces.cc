#include "emu/mmu/address_spaces.h"

#include <algorithm>

namespace emu::mmu {

AddressSpaces::AddressSpaces() noexcept : current_(spaces_.data()) { flush(); }

AddressSpaces::Space* AddressSpaces::find_space(uint32_t asid) noexcept {
  const auto found = std::find_if(spaces_.begin(), spaces_.end(), [asid](const Space& s) { return s.asid == asid; });
  return found == spaces_.end() ? nullptr : &*found;
}

AddressSpaces::Space& AddressSpaces::oldest() noexcept {
  return *std::min_element(spaces_.begin(), spaces_.end(),
                           [](const Space& x, const Space& y) { return x.last_entered < y.last_entered; });
}

void AddressSpaces::enter(uint32_t asid, uint64_t root, unsigned regime) noexcept {
  ++counters_.changes;
  if (regime != regime_) {
    regime_ = regime;
    for (Tlb& table : shared_) table.flush();
    global_.number = next_number();
    global_.extents.clear();
  } else if (current_->asid != asid || current_->root != root) {
    flush_local();
  }
  Space* space = find_space(asid);
  if (space == nullptr) {
    space = &oldest();
    space->asid = asid;
    space->root = ~root;
  }
  if (space->root != root) {
    space->root = root;
    renew(*space);
  }
  space->last_entered = counters_.changes;
  current_ = space;
  use_numbers();
}

void AddressSpaces::give_table(Space& space) noexcept {
  Space* oldest_owner = nullptr;
  std::array<bool, kOwnTables> taken{};
  for (Space& other : spaces_) {
    if (other.table == nullptr) continue;
    taken[static_cast<size_t>(other.table - own_.data())] = true;
    if (oldest_owner == nullptr || other.last_entered < oldest_owner->last_entered) oldest_owner = &other;
  }
  const auto free = std::find(taken.begin(), taken.end(), false);
  if (free != taken.end()) {
    space.table = &own_[static_cast<size_t>(free - taken.begin())];
    return;
  }
  space.table = oldest_owner->table;
  space.table->flush();
  oldest_owner->table = nullptr;
}

void AddressSpaces::renew(Space& space) noexcept {
  if (space.table != nullptr) space.table->flush();
  space.extents.clear();
  space.number = next_number();
}

// When the numbers run out, the second level is emptied, and every space begins with a new number.
SpaceNumber AddressSpaces::next_number() noexcept {
  if (last_number_ == SecondLevelTlb::kMostSpaces) {
    second_level_.clear();
    last_number_ = 0;
    for (Space& space : spaces_) space.number = ++last_number_;
    global_.number = ++last_number_;
  }
  return ++last_number_;
}

void AddressSpaces::add(uint64_t address, uint64_t leaf_size, std::byte* host_page, uint8_t flags,
                        bool is_global) noexcept {
  Space& space = is_global ? global_ : *current_;
  space.extents.note(address, leaf_size);
  second_level_.add(address, space.number, host_page, flags);
}

void AddressSpaces::flush_local() noexcept {
  for (Tlb& table : shared_) table.flush_local();
}

void AddressSpaces::flush() noexcept {
  ++counters_.flushes;
  for (Tlb& table : own_) table.flush();
  for (Tlb& table : shared_) table.flush();
  for (Space& space : spaces_) renew(space);
  renew(global_);
  use_numbers();
}

void AddressSpaces::flush_asid(uint32_t asid) noexcept {
  ++counters_.flushes;
  Space* const space = find_space(asid);
  if (space == nullptr) return;
  renew(*space);
  use_numbers();
  if (space == current_) flush_local();
}

void AddressSpaces::flush(VirtualRange range) noexcept {
  range = global_.extents.widen(range);
  for (const Space& space : spaces_) range = space.extents.widen(range);
  if (range.pages() > kMostPages) return flush();
  ++counters_.flushes;
  for (Tlb& table : own_) table.flush(range);
  for (Tlb& table : shared_) table.flush(range);
  for (uint64_t page = 0; page < range.pages(); ++page)
    second_level_.flush_page(range.first + page * hv::kGuestPageSize);
}

void AddressSpaces::flush_asid(VirtualRange range, uint32_t asid) noexcept {
  Space* const space = find_space(asid);
  if (space == nullptr) return;
  range = space->extents.widen(range);
  if (range.pages() > kMostPages) return flush_asid(asid);
  ++counters_.flushes;
  if (space->table != nullptr) space->table->flush(range);
  if (space == current_) {
    for (Tlb& table : shared_) table.flush(range);
  }
  for (uint64_t page = 0; page < range.pages(); ++page)
    second_level_.flush_page(range.first + page * hv::kGuestPageSize);
}

void AddressSpaces::forget_jumps() noexcept {
  for (Tlb& table : own_) table.forget_jumps();
  for (Tlb& table : shared_) table.forget_jumps();
}

void AddressSpaces::drop_writes(uint8_t write_flag) noexcept {
  for (Tlb& table : own_) table.drop_writes();
  for (Tlb& table : shared_) table.drop_writes();
  second_level_.drop_flags(write_flag);
}

}  // namespace emu::mmu
