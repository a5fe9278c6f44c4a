#include "hv/core/guest_memory.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/types.h>

#include "hv/base/bits.h"
#include "hv/base/check.h"
#include "hv/core/host_mapping.h"

namespace hv {
namespace {

constexpr uint64_t kBitsPerWord = 64;

Result<void> validate(std::span<const RegionConfig> sorted) {
  for (size_t i = 0; i < sorted.size(); ++i) {
    const RegionConfig& region = sorted[i];
    const GuestRange range{region.base, region.size};
    if (region.size == 0 || !is_aligned(region.size, kGuestPageSize) ||
        !is_aligned(region.base.value, kGuestPageSize)) {
      return error("guest memory at {:#x} with {:#x} bytes is not made of whole pages", range.base.value, range.size);
    }
    if (range.size - 1 > ~range.base.value) {
      return error("guest memory at {:#x} runs past the end of the address space", range.base.value);
    }
    if (i > 0 && range.overlaps({sorted[i - 1].base, sorted[i - 1].size})) {
      return error("guest memory at {:#x} overlaps guest memory at {:#x}", range.base.value, sorted[i - 1].base.value);
    }
  }
  return {};
}

tl::unexpected<Error> not_ram(GuestAddress address, uint64_t length) {
  return error("{} bytes at guest address {:#x} are not all RAM", length, address.value);
}

template <typename T>
void copy_out_once(const std::byte* host, std::byte* out) noexcept {
  const T value = __atomic_load_n(reinterpret_cast<const T*>(host), __ATOMIC_RELAXED);
  std::memcpy(out, &value, sizeof value);
}

template <typename T>
void copy_in_once(std::byte* host, const std::byte* data) noexcept {
  T value;
  std::memcpy(&value, data, sizeof value);
  __atomic_store_n(reinterpret_cast<T*>(host), value, __ATOMIC_RELAXED);
}

bool is_one_object(const std::byte* host, uint64_t length) noexcept {
  return length <= 8 && std::has_single_bit(length) && is_aligned(reinterpret_cast<uintptr_t>(host), uintptr_t{length});
}

void copy_out(const std::byte* host, std::byte* out, uint64_t length) noexcept {
  if (!is_one_object(host, length)) {
    std::memcpy(out, host, length);
    return;
  }
  switch (length) {
    case 1:
      return copy_out_once<uint8_t>(host, out);
    case 2:
      return copy_out_once<uint16_t>(host, out);
    case 4:
      return copy_out_once<uint32_t>(host, out);
    default:
      return copy_out_once<uint64_t>(host, out);
  }
}

void copy_in(std::byte* host, const std::byte* data, uint64_t length) noexcept {
  if (!is_one_object(host, length)) {
    std::memcpy(host, data, length);
    return;
  }
  switch (length) {
    case 1:
      return copy_in_once<uint8_t>(host, data);
    case 2:
      return copy_in_once<uint16_t>(host, data);
    case 4:
      return copy_in_once<uint32_t>(host, data);
    default:
      return copy_in_once<uint64_t>(host, data);
  }
}

}  // namespace

Result<std::unique_ptr<GuestMemory>> GuestMemory::create(std::span<const RegionConfig> regions) {
  std::vector<RegionConfig> sorted(regions.begin(), regions.end());
  std::ranges::sort(sorted, {}, &RegionConfig::base);
  TRY(validate(sorted));

  std::unique_ptr<GuestMemory> memory(new GuestMemory);
  uint64_t pages = 0;
  for (const RegionConfig& config : sorted) {
    HostMapping mapping = TRY(HostMapping::create(config));
    memory->regions_.push_back({{config.base, config.size}, mapping.host, mapping.fd.get(), pages, mapping.page_size});
    memory->fds_.push_back(std::move(mapping.fd));
    pages += align_up(config.size >> kGuestPageShift, kBitsPerWord);  // no two regions share a word of the bitmap
  }
  memory->dirty_ = std::vector<std::atomic<uint64_t>>(pages / kBitsPerWord);
  return memory;
}

GuestMemory::~GuestMemory() {
  for (const Region& region : regions_) HostMapping::unmap(region.host, region.range.size);
}

uint64_t GuestMemory::size() const noexcept {
  uint64_t total = 0;
  for (const Region& region : regions_) total += region.range.size;
  return total;
}

const GuestMemory::Region* GuestMemory::find(GuestAddress address) const noexcept {
  for (const Region& region : regions_) {
    if (region.range.contains(address)) return &region;
  }
  return nullptr;
}

GuestMemory::Piece GuestMemory::piece(GuestAddress address, uint64_t length) const noexcept {
  const Region* const region = find(address);
  if (region == nullptr) return {};
  const uint64_t offset = address - region->range.base;
  return {region, offset, std::min(length, region->range.size - offset)};
}

bool GuestMemory::covers(GuestAddress address, uint64_t length) const noexcept {
  while (length != 0) {
    const Piece first = piece(address, length);
    if (first.region == nullptr) return false;
    address = address + first.length;
    length -= first.length;
  }
  return true;
}

template <typename Visit>
Result<void> GuestMemory::visit(GuestAddress address, uint64_t length, Visit&& visit) const {
  if (length == 0) return {};
  const Piece first = piece(address, length);
  if (first.region == nullptr) return not_ram(address, length);
  if (first.length != length && !covers(address + first.length, length - first.length)) return not_ram(address, length);
  visit(first);
  for (uint64_t done = first.length; done < length;) {
    const Piece next = piece(address + done, length - done);
    visit(next);
    done += next.length;
  }
  return {};
}

Result<void> GuestMemory::read(GuestAddress address, std::span<std::byte> out) const {
  std::byte* to = out.data();
  return visit(address, out.size(), [&](const Piece& piece) {
    copy_out(piece.host(), to, piece.length);
    to += piece.length;
  });
}

Result<void> GuestMemory::write(GuestAddress address, std::span<const std::byte> data) {
  const std::byte* from = data.data();
  return visit(address, data.size(), [&](const Piece& piece) {
    copy_in(piece.host(), from, piece.length);
    mark_dirty(piece);
    from += piece.length;
  });
}

Result<void> GuestMemory::fill(GuestAddress address, uint64_t length, std::byte value) {
  return visit(address, length, [&](const Piece& piece) {
    std::memset(piece.host(), std::to_integer<int>(value), piece.length);
    mark_dirty(piece);
  });
}

std::byte* GuestMemory::host_pointer(GuestAddress address, uint64_t length) const noexcept {
  const Piece first = piece(address, length);
  return first.region != nullptr && first.length == length ? first.host() : nullptr;
}

void GuestMemory::mark_dirty(GuestAddress address, uint64_t length) noexcept {
  const GuestRange range{address, length};
  for (const Region& region : regions_) {
    if (!range.overlaps(region.range)) continue;
    const uint64_t skipped = region.range.contains(address) ? 0 : region.range.base - address;
    const uint64_t offset = address + skipped - region.range.base;
    mark_dirty(Piece{&region, offset, std::min(length - skipped, region.range.size - offset)});
  }
}

// An unconditional read-modify-write orders the data, written before, against take_dirty's exchange: testing the bit
// first would let a write slip between a taker that has the bit and its copy of the page.
void GuestMemory::mark_dirty(const Piece& piece) noexcept {
  const uint64_t first = piece.region->first_page + (piece.offset >> kGuestPageShift);
  const uint64_t last = piece.region->first_page + ((piece.offset + piece.length - 1) >> kGuestPageShift);
  for (uint64_t word = first / kBitsPerWord; word <= last / kBitsPerWord; ++word) {
    const uint64_t base = word * kBitsPerWord;
    const uint64_t from_first = ~uint64_t{0} << (std::max(first, base) - base);
    const uint64_t to_last = ~uint64_t{0} >> (kBitsPerWord - 1 - (std::min(last, base + kBitsPerWord - 1) - base));
    dirty_[word].fetch_or(from_first & to_last, std::memory_order_acq_rel);
  }
  if (WriteObserver* const observer = observer_.load(std::memory_order_acquire); observer != nullptr)
    observer->written(piece.host(), piece.length);
}

bool GuestMemory::is_dirty(GuestAddress address) const noexcept {
  const Piece at = piece(address, 1);
  if (at.region == nullptr) return false;
  const uint64_t page = at.region->first_page + (at.offset >> kGuestPageShift);
  return bit(dirty_[page / kBitsPerWord].load(std::memory_order_acquire), static_cast<unsigned>(page % kBitsPerWord));
}

std::vector<uint64_t> GuestMemory::take_dirty(const Region& region) noexcept {
  const uint64_t first_word = region.first_page / kBitsPerWord;
  std::vector<uint64_t> taken(align_up(region.range.size >> kGuestPageShift, kBitsPerWord) / kBitsPerWord);
  const std::lock_guard lock(writers_mutex_);
  for (UnmarkedWriter* const writer : writers_) writer->mark_unmarked_writes();
  for (uint64_t i = 0; i < taken.size(); ++i) taken[i] = dirty_[first_word + i].exchange(0, std::memory_order_acq_rel);
  // Only now: a writer that stopped before could have marked and gone on before its mark was taken. What it wrote
  // meanwhile is there when the caller looks at the pages.
  for (UnmarkedWriter* const writer : writers_) writer->stop_unmarked_writes();
  return taken;
}

void GuestMemory::add_unmarked_writer(UnmarkedWriter& writer) {
  const std::lock_guard lock(writers_mutex_);
  writers_.push_back(&writer);
}

void GuestMemory::remove_unmarked_writer(UnmarkedWriter& writer) noexcept {
  const std::lock_guard lock(writers_mutex_);
  std::erase(writers_, &writer);
}

Result<void> GuestMemory::discard(GuestAddress address, uint64_t length) {
  return visit(address, length, [&](const Piece& piece) {
    discard(piece);
    mark_dirty(piece);
  });
}

// Only whole host pages can be given back. What is left of others is cleared by hand, as is everything on a host that
// cannot punch holes.
void GuestMemory::discard(const Piece& piece) noexcept {
  const uint64_t end = piece.offset + piece.length;
  const uint64_t hole = std::min(align_up(piece.offset, piece.region->host_page_size), end);
  const uint64_t hole_end = std::max(align_down(end, piece.region->host_page_size), hole);
  const bool punched =
      hole_end > hole && ::fallocate(piece.region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                     static_cast<off_t>(hole), static_cast<off_t>(hole_end - hole)) == 0;
  const uint64_t head_end = punched ? hole : hole_end;
  std::memset(piece.region->host + piece.offset, 0, head_end - piece.offset);
  std::memset(piece.region->host + hole_end, 0, end - hole_end);
}

}  // namespace hv
