#pragma once

#include <compare>
#include <cstdint>

namespace hv {

/// A guest-physical address. Arithmetic wraps at 64 bits, as on the guest's bus; whoever uses a range checks it.
struct GuestAddress {
  uint64_t value = 0;

  friend constexpr auto operator<=>(GuestAddress, GuestAddress) = default;
  friend constexpr GuestAddress operator+(GuestAddress address, uint64_t offset) { return {address.value + offset}; }
  friend constexpr uint64_t operator-(GuestAddress left, GuestAddress right) { return left.value - right.value; }
};

/// The half-open range [base, base + size). `contains` and `overlaps` hold also where base + size would wrap.
struct GuestRange {
  GuestAddress base;
  uint64_t size = 0;

  constexpr bool contains(GuestAddress address, uint64_t length = 1) const {
    const uint64_t offset = address - base;
    return offset < size && length <= size - offset;
  }
  constexpr bool overlaps(const GuestRange& other) const {
    return size != 0 && other.size != 0 && (other.base - base < size || base - other.base < other.size);
  }
};

inline constexpr uint64_t kGuestPageSize = 4096;
inline constexpr unsigned kGuestPageShift = 12;

}  // namespace hv
