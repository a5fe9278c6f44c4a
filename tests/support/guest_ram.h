#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "hv/core/guest_memory.h"

namespace test {

/// Guest memory for a test, handed out piece by piece.
class GuestRam {
 public:
  static constexpr hv::GuestAddress kBase{0x8000'0000};

  explicit GuestRam(uint64_t size = 8 << 20);

  hv::GuestMemory& memory() noexcept { return *memory_; }
  uint64_t size() const noexcept { return size_; }

  /// Zeroed memory that nobody else was given. Stops the test program when there is none left.
  hv::GuestAddress allocate(uint64_t size, uint64_t alignment = 16);
  /// Takes back all that was allocated since `mark` was asked for.
  uint64_t mark() const noexcept { return next_; }
  void free_to(uint64_t mark) noexcept { next_ = mark; }

  std::byte* host(hv::GuestAddress address, uint64_t length) const;
  void put(hv::GuestAddress address, std::span<const std::byte> bytes);
  std::vector<std::byte> get(hv::GuestAddress address, uint64_t length) const;

 private:
  std::unique_ptr<hv::GuestMemory> memory_;
  uint64_t size_;
  uint64_t next_ = 0;
};

template <typename T>
requires std::is_trivially_copyable_v<T> std::span<const std::byte> bytes_of(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

inline std::span<const std::byte> bytes_of_text(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace test
