#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>

namespace hv {

static_assert(std::endian::native == std::endian::little,
              "Vireo runs on little-endian hosts; its guests are little-endian too");

/// The `T` at `bytes`, little-endian, of any alignment. `bytes` has at least sizeof(T) bytes.
template <std::integral T>
T load_le(const void* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <std::integral T>
void store_le(void* bytes, T value) {
  std::memcpy(bytes, &value, sizeof value);
}

template <std::integral T>
constexpr T byte_swap(T value) {
  if constexpr (sizeof(T) == 1)
    return value;
  else if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  else if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  else
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

/// The `T` at `bytes`, big-endian (device trees, qcow2).
template <std::integral T>
T load_be(const void* bytes) {
  return byte_swap(load_le<T>(bytes));
}

template <std::integral T>
void store_be(void* bytes, T value) {
  store_le(bytes, byte_swap(value));
}

}  // namespace hv
