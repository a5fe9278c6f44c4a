#include "hv/core/bus.h"

#include <algorithm>
#include <utility>

namespace hv {
namespace {

constexpr uint64_t all_ones(unsigned size) { return ~uint64_t{0} >> (64 - 8 * size); }

}  // namespace

Result<void> Bus::add(GuestRange range, BusDevice& device, std::string name) {
  if (range.size == 0) return error("{}: its address range is empty", name);
  if (range.size - 1 > ~range.base.value)
    return error("{}: its address range runs past the end of the address space", name);
  const auto next = std::ranges::upper_bound(entries_, range.base, {}, [](const Entry& e) { return e.range.base; });
  const auto overlapping = [&](const Entry& entry) { return entry.range.overlaps(range); };
  if (const auto other = std::ranges::find_if(entries_, overlapping); other != entries_.end()) {
    return error("{} at {:#x} overlaps {} at {:#x}", name, range.base.value, other->name, other->range.base.value);
  }
  entries_.insert(next, Entry{range, &device, std::move(name)});
  return {};
}

uint64_t Bus::read(GuestAddress address, unsigned size) noexcept {
  if (const Entry* entry = find(address, size)) return entry->device->bus_read(address - entry->range.base, size);
  unclaimed_error_.report("the guest read {} bytes at {:#x}, where no device is", size, address.value);
  return unclaimed_ == Unclaimed::ones ? all_ones(size) : 0;
}

void Bus::write(GuestAddress address, unsigned size, uint64_t value) noexcept {
  if (const Entry* entry = find(address, size))
    return entry->device->bus_write(address - entry->range.base, size, value);
  unclaimed_error_.report("the guest wrote {} bytes at {:#x}, where no device is", size, address.value);
}

bool Bus::claims(GuestAddress address, unsigned size) const noexcept { return find(address, size) != nullptr; }

const Bus::Entry* Bus::find(GuestAddress address, unsigned size) const noexcept {
  const auto next = std::ranges::upper_bound(entries_, address, {}, [](const Entry& e) { return e.range.base; });
  if (next == entries_.begin()) return nullptr;
  const Entry& entry = *std::prev(next);
  return entry.range.contains(address, size) ? &entry : nullptr;
}

}  // namespace hv
