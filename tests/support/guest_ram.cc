#include "tests/support/guest_ram.h"

#include <cstring>

#include "hv/base/bits.h"
#include "hv/base/check.h"

namespace test {

GuestRam::GuestRam(uint64_t size) : size_(size) {
  const hv::RegionConfig region{.base = kBase, .size = size, .huge_pages = hv::HugePages::off, .numa = {}};
  memory_ = std::move(hv::GuestMemory::create(std::span(&region, 1)).value());
}

hv::GuestAddress GuestRam::allocate(uint64_t size, uint64_t alignment) {
  const uint64_t start = hv::align_up(next_, alignment);
  CHECK(start + size <= size_);
  next_ = start + size;
  const hv::GuestAddress address = kBase + start;
  std::memset(host(address, size), 0, size);
  return address;
}

std::byte* GuestRam::host(hv::GuestAddress address, uint64_t length) const {
  std::byte* const pointer = memory_->host_pointer(address, length);
  CHECK(pointer != nullptr);
  return pointer;
}

void GuestRam::put(hv::GuestAddress address, std::span<const std::byte> bytes) {
  if (!bytes.empty()) std::memcpy(host(address, bytes.size()), bytes.data(), bytes.size());
}

std::vector<std::byte> GuestRam::get(hv::GuestAddress address, uint64_t length) const {
  const std::byte* const from = host(address, length);
  return {from, from + length};
}

}  // namespace test
