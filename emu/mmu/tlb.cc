#include "emu/mmu/tlb.h"

namespace emu::mmu {

void Tlb::allocate() noexcept { entries_ = std::make_unique<Entries>(); }

template <size_t kMost>
void Tlb::clear_slots(const SlotJournal<kMost>& slots) noexcept {
  for (const uint16_t slot : slots) (*entries_)[slot] = TlbEntry{};
}

void Tlb::flush() noexcept {
  if (windows_ != nullptr) windows_->close();
  if (journal_.used.overflowed())
    entries_->fill(TlbEntry{});
  else
    clear_slots(journal_.used);
  journal_.used.clear();
  journal_.local.clear();
  has_local_code_ = false;
  forget_jumps();
}

void Tlb::flush_local() noexcept {
  if (journal_.local.overflowed()) return flush();
  if (windows_ != nullptr) windows_->close();
  clear_slots(journal_.local);
  journal_.local.clear();
  if (has_local_code_) forget_jumps();
  has_local_code_ = false;
}

void Tlb::flush(VirtualRange range) noexcept {
  for (const auto& jumps : jumps_) {
    if (jumps != nullptr) jumps->forget(range);
  }
  if (windows_ != nullptr) windows_->close(range);
  if (journal_.used.is_empty()) return;
  if (range.pages() >= kEntries) {
    for (TlbEntry& entry : *entries_) {
      if (entry.translates(range)) entry = TlbEntry{};
    }
    return;
  }
  for (size_t i = 0; i < range.pages(); ++i) {
    TlbEntry& entry = (*entries_)[index(range.first + i * hv::kGuestPageSize)];
    if (entry.translates(range)) entry = TlbEntry{};
  }
}

void Tlb::forget_jumps() noexcept {
  for (const auto& jumps : jumps_) {
    if (jumps != nullptr) jumps->clear();
  }
}

void Tlb::drop_writes() noexcept {
  if (windows_ != nullptr) windows_->close();
  if (journal_.used.is_empty()) return;
  if (!journal_.used.overflowed()) {
    for (const uint16_t slot : journal_.used) (*entries_)[slot].write = TlbEntry::kNoPage;
    return;
  }
  for (TlbEntry& entry : *entries_) entry.write = TlbEntry::kNoPage;
}

}  // namespace emu::mmu
