#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "hv/core/state_io.h"

/// The kernel's structures in a saved state: their bytes, as the kernel's ABI has them for good.
namespace hv::kvm::x86 {

template <typename T>
requires std::is_trivially_copyable_v<T> std::span<const std::byte> bytes_of(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

/// Exactly as many bytes as the structure has, or an error.
template <typename T>
requires std::is_trivially_copyable_v<T>
void read_into(StateReader& reader, T& object) {
  const std::vector<std::byte> data = reader.bytes(sizeof object);
  if (!reader.ok()) return;
  if (data.size() != sizeof object) return reader.fail("a structure of another size");
  std::memcpy(&object, data.data(), sizeof object);
}

}  // namespace hv::kvm::x86
