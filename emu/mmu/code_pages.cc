#include "emu/mmu/code_pages.h"

#include "hv/base/bits.h"

namespace emu::mmu {
namespace {

constexpr uint64_t kPageMask = hv::kGuestPageSize - 1;

size_t words_of(const hv::GuestMemory& memory) noexcept {
  const hv::GuestMemory::Region& last = memory.regions().back();
  return (last.first_page + (last.range.size >> hv::kGuestPageShift) + 63) / 64;
}

}  // namespace

CodePages::CodePages(hv::GuestMemory& memory)
    : memory_(memory), code_(words_of(memory)), writable_(words_of(memory)), noted_(words_of(memory)) {
  memory_.set_write_observer(this);
}

CodePages::~CodePages() { memory_.set_write_observer(nullptr); }

uint64_t CodePages::index_of(const std::byte* host) const noexcept {
  for (const hv::GuestMemory::Region& region : memory_.regions()) {
    const uint64_t offset = reinterpret_cast<uintptr_t>(host) - reinterpret_cast<uintptr_t>(region.host);
    if (offset < region.range.size) return region.first_page + (offset >> hv::kGuestPageShift);
  }
  return kNowhere;
}

void CodePages::add(const std::byte* host) noexcept {
  const uint64_t index = index_of(host);
  if (index == kNowhere || set(code_, index)) return;
  if (!test(writable_, index) && !dropping_) return;
  const std::lock_guard lock(mutex_);
  if (!set(noted_, index))
    pages_.push_back(reinterpret_cast<const std::byte*>(reinterpret_cast<uintptr_t>(host) & ~kPageMask));
  changed_ = true;
}

void CodePages::allow_writes(const std::byte* host) noexcept {
  const uint64_t index = index_of(host);
  if (index != kNowhere) set(writable_, index);
}

bool CodePages::allows_writes(const std::byte* host) const noexcept {
  const uint64_t index = index_of(host);
  return index != kNowhere && test(writable_, index);
}

void CodePages::written(const std::byte* host, uint64_t length) noexcept {
  // What was written comes before the look at the code bits.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const uint64_t index = index_of(host);
  const uint64_t pages = ((reinterpret_cast<uintptr_t>(host) & kPageMask) + length + kPageMask) >> hv::kGuestPageShift;
  const auto* page = reinterpret_cast<const std::byte*>(reinterpret_cast<uintptr_t>(host) & ~kPageMask);
  for (uint64_t i = index; i < index + pages; ++i, page += hv::kGuestPageSize) {
    if (!test(code_, i) || test(noted_, i)) continue;
    const std::lock_guard lock(mutex_);
    if (!set(noted_, i)) pages_.push_back(page);
    changed_ = true;
  }
}

std::vector<const std::byte*> CodePages::take() noexcept {
  std::vector<const std::byte*> pages;
  const std::lock_guard lock(mutex_);
  pages.swap(pages_);
  for (const std::byte* const page : pages) {
    const uint64_t index = index_of(page);
    clear(noted_, index);
    clear(code_, index);
  }
  if (!pages.empty()) {
    dropping_ = true;
    for (std::atomic<uint64_t>& word : writable_) word.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  return pages;
}

void CodePages::finish(const std::vector<const std::byte*>& pages) noexcept {
  if (!pages.empty()) {
    dropping_ = false;
    if (listener_) {
      for (const std::byte* const page : pages) listener_(page);
    }
    epoch_.fetch_add(1);
  }
  const std::lock_guard lock(mutex_);
  if (pages_.empty()) changed_ = false;
}

}  // namespace emu::mmu
