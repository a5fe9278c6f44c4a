#include "emu/mmu/mirror.h"

#include <algorithm>
#include <utility>

#include <sys/mman.h>

namespace emu::mmu {
namespace {

constexpr uint64_t kPage = hv::kGuestPageSize;

VirtualRange page_range(uint64_t first, size_t pages) { return {first, first + (pages * kPage - 1)}; }

}  // namespace

struct Mirror::Search {
  size_t number;  ///< of the area
  Area& area;
  bool stores;
  Windows& windows;
  const TlbEntry* table;

  uint64_t address(size_t page) const noexcept { return area.first + page * kPage; }
  /// Where the table has a page; nullptr if it does not.
  const std::byte* find(size_t page) const noexcept {
    const TlbEntry& entry = table[Tlb::index(address(page))];
    const bool has = (stores ? entry.write : entry.read) == address(page);
    return has ? reinterpret_cast<const std::byte*>(entry.addend + address(page)) : nullptr;
  }
  /// How many pages from `page` on lie in a row at `host` and are not mirrored yet, of at most `most`.
  size_t row(size_t page, const std::byte* host, size_t most) const noexcept {
    size_t pages = 1;
    while (pages < most && find(page + pages) == host + pages * kPage &&
           area.pages[page + pages] != host + pages * kPage)
      ++pages;
    return pages;
  }
};

Mirror::~Mirror() {
  if (host_ != nullptr) ::munmap(host_, kSize);
}

bool Mirror::reserve() noexcept {
  if (host_ != nullptr) return true;
  void* const host = ::mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED) return false;
  host_ = static_cast<std::byte*>(host);
  return true;
}

void Mirror::serve(Windows& windows, const TlbEntry* table) noexcept {
  const size_t count = std::exchange(windows.roamed_count, 0);
  for (size_t i = 0; i < count && !is_unusable_; ++i) {
    const size_t number = windows.roamed[i];
    make_run(windows.all[number].base, number % Windows::kGroup >= Windows::kFirstStores, windows, table);
  }
}

void Mirror::make_run(uint64_t address, bool stores, Windows& windows, const TlbEntry* table) noexcept {
  if (mappings_ >= kMostMappings) empty(windows);
  if (!reserve()) return give_up(windows);
  const size_t number = Windows::run_index(address);
  const Search search{number, use_area(address, windows), stores, windows, table};
  const size_t page = (address - search.area.first) / kPage;
  unsigned budget = kAtOnce;
  if (!bring(search, page, budget)) return;
  size_t first = page;
  size_t end = page + 1;
  while (end < kAreaPages && bring(search, end, budget)) ++end;
  while (first > 0 && bring(search, first - 1, budget)) --first;
  if (is_unusable_ || end - first == 1) return;
  Run& run = windows.runs[stores ? 1 : 0][number];
  VirtualRange range = page_range(search.address(first), end - first);
  if (run.meets(range)) range = {std::min(range.first, run.base), std::max(range.last, run.base + (run.length - 1))};
  run = {range.first, range.last - range.first + 1, reinterpret_cast<uintptr_t>(host_of(number)) - search.area.first};
  windows.has_runs = true;
}

Mirror::Area& Mirror::use_area(uint64_t address, Windows& windows) noexcept {
  const size_t number = Windows::run_index(address);
  if (areas_[number] == nullptr) areas_[number] = std::make_unique<Area>();
  Area& area = *areas_[number];
  const uint64_t first = address & ~(kAreaSize - 1);
  if (area.first == first) return area;
  windows.close(VirtualRange{area.first, area.first + (kAreaSize - 1)});
  area.first = first;
  area.pages = {};
  return area;
}

void Mirror::empty(Windows& windows) noexcept {
  windows.close();
  for (const auto& area : areas_) {
    if (area != nullptr) *area = Area{};
  }
  ::munmap(host_, kSize);
  host_ = nullptr;
  mappings_ = 0;
}

// The kernel may have taken a page's old mapping away already, and something else may lie in its place: what was
// reserved is left alone.
void Mirror::give_up(Windows& windows) noexcept {
  windows.close();
  host_ = nullptr;
  is_unusable_ = true;
}

bool Mirror::bring(const Search& search, size_t page, unsigned& budget) noexcept {
  const std::byte* const host = search.find(page);
  if (is_unusable_ || host == nullptr) return false;
  if (search.area.pages[page] == host) return true;
  if (budget == 0) return false;
  const auto regions = memory_.regions();
  const auto region = std::find_if(regions.begin(), regions.end(), [host](const hv::GuestMemory::Region& r) {
    return host >= r.host && host < r.host + r.range.size;
  });
  if (region == regions.end() || region->host_page_size > kPage) return false;
  const auto offset = static_cast<uint64_t>(host - region->host);
  const size_t count = search.row(page, host, std::min(kAreaPages - page, (region->range.size - offset) / kPage));
  const auto pages = search.area.pages.begin() + static_cast<ptrdiff_t>(page);
  const bool replaces = std::any_of(pages, pages + static_cast<ptrdiff_t>(count), [](auto* mapped) { return mapped; });
  if (replaces) search.windows.close(page_range(search.address(page), count));
  void* const to = host_of(search.number, page);
  if (::mmap(to, count * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, region->fd,
             static_cast<off_t>(offset)) == MAP_FAILED) {
    give_up(search.windows);
    return false;
  }
  for (size_t i = 0; i < count; ++i) pages[i] = host + i * kPage;
  --budget;
  ++mappings_;
  pages_brought_ += count;
  return true;
}

}  // namespace emu::mmu
