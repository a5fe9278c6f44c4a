#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace devices {

/// The Internet checksum (RFC 1071). Parts may be added in any order; all but the last have an even length.
class Checksum {
 public:
  void add(std::span<const std::byte> data) noexcept;
  /// A field of a header that is not in memory, such as a pseudo-header's length.
  void add_field(uint16_t value) noexcept;

  /// What makes the sum of everything zero, as it stands in memory: it is stored without swapping bytes.
  uint16_t value() const noexcept;

 private:
  uint64_t sum_ = 0;
};

}  // namespace devices
