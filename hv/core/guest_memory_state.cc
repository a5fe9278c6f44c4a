// Saving and loading the contents of guest memory.
//
// A region is its base and size, then runs of pages that are not all zeros: the index of the first page (u64) and the
// bytes, at most kLongestRun of them; kEndOfRegion in place of an index ends it.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "hv/core/guest_memory.h"

namespace hv {
namespace {

constexpr uint64_t kLongestRun = 256 * kGuestPageSize;
constexpr uint64_t kEndOfRegion = ~uint64_t{0};

bool is_zero_page(const std::byte* page) noexcept {
  return page[0] == std::byte{0} && std::memcmp(page, page + 1, kGuestPageSize - 1) == 0;
}

// The first offset from `offset` on that the host has memory for. Touching a hole would allocate it.
uint64_t next_data(const GuestMemory::Region& region, uint64_t offset) noexcept {
  const off_t found = ::lseek(region.fd, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return std::min(static_cast<uint64_t>(found) & ~(kGuestPageSize - 1), region.range.size);
  return errno == ENXIO ? region.range.size : offset;  // ENXIO: nothing but holes
}

uint64_t next_hole(const GuestMemory::Region& region, uint64_t offset) noexcept {
  const off_t found = ::lseek(region.fd, static_cast<off_t>(offset), SEEK_HOLE);
  return found < 0 ? region.range.size : std::min(static_cast<uint64_t>(found), region.range.size);
}

void save_extent(StateWriter& writer, const GuestMemory::Region& region, uint64_t offset, uint64_t end) {
  while (offset < end) {
    if (is_zero_page(region.host + offset)) {
      offset += kGuestPageSize;
      continue;
    }
    uint64_t length = kGuestPageSize;
    while (offset + length < end && length < kLongestRun && !is_zero_page(region.host + offset + length)) {
      length += kGuestPageSize;
    }
    writer.value(offset >> kGuestPageShift);
    writer.bytes({region.host + offset, length});
    offset += length;
  }
}

void save_region(StateWriter& writer, const GuestMemory::Region& region) {
  writer.value(region.range.base.value);
  writer.value(region.range.size);
  for (uint64_t offset = next_data(region, 0); offset < region.range.size;) {
    const uint64_t end = next_hole(region, offset);
    save_extent(writer, region, offset, end);
    offset = end < region.range.size ? next_data(region, end) : end;
  }
  writer.value(kEndOfRegion);
}

}  // namespace

void GuestMemory::save(StateWriter& writer) const {
  writer.section("memory", 1, [&] {
    writer.value(static_cast<uint32_t>(regions_.size()));
    for (const Region& region : regions_) save_region(writer, region);
  });
}

Result<void> GuestMemory::load_state(StateReader& reader) {
  reader.section("memory", 1, [&](uint32_t) {
    if (reader.value<uint32_t>() != regions_.size()) reader.fail("another number of regions");
    for (const Region& region : regions_) load_region(reader, region);
  });
  return reader.status();
}

void GuestMemory::load_region(StateReader& reader, const Region& region) {
  const auto base = reader.value<uint64_t>();
  const auto size = reader.value<uint64_t>();
  if (base != region.range.base.value || size != region.range.size) {
    reader.fail(fmt::format("{:#x} bytes at {:#x} where this machine has {:#x} at {:#x}", size, base, region.range.size,
                            region.range.base.value));
  }
  if (!reader.ok()) return;
  const Piece whole{&region, 0, size};
  discard(whole);
  mark_dirty(whole);
  while (reader.ok()) {
    const auto page = reader.value<uint64_t>();
    if (page == kEndOfRegion) return;
    const std::vector<std::byte> run = reader.bytes(kLongestRun);
    if (page >= size >> kGuestPageShift || run.size() > size - (page << kGuestPageShift)) {
      reader.fail("a page outside its region");
    }
    if (reader.ok() && !run.empty()) std::memcpy(region.host + (page << kGuestPageShift), run.data(), run.size());
  }
}

}  // namespace hv
