#include "emu/mmu/second_level_tlb.h"

#include <algorithm>

namespace emu::mmu {

// The newest entry comes first, the oldest goes.
void SecondLevelTlb::add(uint64_t address, SpaceNumber space, std::byte* host_page, uint8_t flags) noexcept {
  if (!is_taggable(address)) return;
  if (sets_ == nullptr) {
    sets_ = std::make_unique<Sets>();
    view_.sets = sets_->data();
  }
  Set& set = (*sets_)[set_of(address)];
  const uint64_t tag = tag_of(address, space);
  const auto same = std::find_if(set.begin(), set.end() - 1, [tag](const Entry& entry) { return entry.tag == tag; });
  std::move_backward(set.begin(), same, same + 1);
  set.front() = {.tag = tag, .value = reinterpret_cast<uintptr_t>(host_page) | flags};
}

void SecondLevelTlb::flush_page(uint64_t address) noexcept {
  if (sets_ == nullptr) return;
  const uint64_t page = page_tag(address);
  constexpr uint64_t kSpace = (uint64_t{1} << kSpaceBits) - 1;
  for (Entry& entry : (*sets_)[set_of(address)]) {
    if ((entry.tag & ~kSpace) == page) entry = {};
  }
}

void SecondLevelTlb::drop_flags(uint8_t flags) noexcept {
  if (sets_ == nullptr) return;
  for (Set& set : *sets_) {
    for (Entry& entry : set) entry.value &= ~uint64_t{flags};
  }
}

void SecondLevelTlb::clear() noexcept {
  if (sets_ != nullptr) sets_->fill({});
}

}  // namespace emu::mmu
