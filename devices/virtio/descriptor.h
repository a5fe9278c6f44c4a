#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hv/core/guest_address.h"

namespace devices::virtio {

// The same bits in split (VIRTIO 1.2 §2.7.5) and packed (§2.8.1, §2.8.13) rings.
inline constexpr uint16_t kDescriptorNext = 1;
inline constexpr uint16_t kDescriptorWrite = 2;
inline constexpr uint16_t kDescriptorIndirect = 4;
inline constexpr uint16_t kDescriptorAvailable = 1 << 7;  ///< packed only
inline constexpr uint16_t kDescriptorUsed = 1 << 15;      ///< packed only

inline constexpr size_t kDescriptorSize = 16;
inline constexpr uint16_t kLargestQueue = 32768;  ///< §2.7, §2.8.10

/// How many descriptors an indirect table may have. The specification bounds a chain by the queue's size, but Linux
/// halves a queue when memory is short and goes on sending the tables that the device's limits allow.
constexpr uint32_t longest_indirect(uint16_t queue_size) { return std::max<uint32_t>(queue_size, 1024); }

/// Accesses to rings, which the guest's CPUs use at the same time: each is a single one.
template <typename T>
T load_relaxed(const std::byte* at) noexcept {
  return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_RELAXED);
}
template <typename T>
T load_acquire(const std::byte* at) noexcept {
  return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_ACQUIRE);
}
template <typename T>
void store_relaxed(std::byte* at, T value) noexcept {
  __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELAXED);
}
template <typename T>
void store_release(std::byte* at, T value) noexcept {
  __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELEASE);
}

/// A descriptor's 16 bytes, copied once. The last two fields trade places between the formats.
struct RawDescriptor {
  hv::GuestAddress address;
  uint32_t length = 0;
  uint16_t third = 0;   ///< split: flags; packed: buffer ID
  uint16_t fourth = 0;  ///< split: next; packed: flags

  /// `at` is aligned to 8 bytes. The second half is loaded first: in a packed ring it has the flags, which say whether
  /// the first half is there yet.
  static RawDescriptor copy(const std::byte* at) noexcept {
    const auto second = load_acquire<uint64_t>(at + 8);
    const auto first = load_relaxed<uint64_t>(at);
    return {{first},
            static_cast<uint32_t>(second),
            static_cast<uint16_t>(second >> 32),
            static_cast<uint16_t>(second >> 48)};
  }
};

}  // namespace devices::virtio
