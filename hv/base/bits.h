#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace hv {

/// Bits [low + count - 1 : low] of `value`, at the bottom. `count` is 1 to 63.
constexpr uint64_t bits(uint64_t value, unsigned low, unsigned count) {
  return (value >> low) & ((uint64_t{1} << count) - 1);
}

constexpr bool bit(uint64_t value, unsigned index) { return ((value >> index) & 1) != 0; }

/// `value`'s low `width` bits as a signed number. `width` is 1 to 64.
constexpr int64_t sign_extend(uint64_t value, unsigned width) {
  return static_cast<int64_t>(value << (64 - width)) >> (64 - width);
}

/// `value` with the bits of `mask` taken from `bits`.
constexpr uint64_t with_bits(uint64_t value, uint64_t mask, uint64_t bits) { return (value & ~mask) | (bits & mask); }

template <std::unsigned_integral T>
constexpr T align_down(T value, T alignment) {
  return static_cast<T>(value & ~(alignment - 1));
}
template <std::unsigned_integral T>
constexpr T align_up(T value, T alignment) {
  return static_cast<T>((value + alignment - 1) & ~(alignment - 1));
}
template <std::unsigned_integral T>
constexpr bool is_aligned(T value, T alignment) {
  return (value & (alignment - 1)) == 0;
}

}  // namespace hv
