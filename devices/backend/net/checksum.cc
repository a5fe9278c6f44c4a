#include "devices/backend/net/checksum.h"

#include <cstring>

#include "hv/base/endian.h"

namespace devices {
namespace {

constexpr uint64_t fold(uint64_t sum) {
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  return (sum & 0xffff'ffff) + (sum >> 32);
}

}  // namespace

// RFC 1071 §2: the sum does not depend on the byte order, nor on the width that it is taken in. A frame is far too
// short for the upper half of a 64-bit sum of 32-bit words to overflow.
void Checksum::add(std::span<const std::byte> data) noexcept {
  uint64_t sums[4] = {fold(sum_), 0, 0, 0};
  const std::byte* from = data.data();
  size_t left = data.size();
  for (; left >= 16; left -= 16, from += 16) {
    for (size_t i = 0; i < 4; ++i) sums[i] += hv::load_le<uint32_t>(from + 4 * i);
  }
  for (; left >= 4; left -= 4, from += 4) sums[1] += hv::load_le<uint32_t>(from);
  uint32_t rest = 0;
  if (left != 0) std::memcpy(&rest, from, left);
  sum_ = sums[0] + sums[1] + sums[2] + sums[3] + rest;
}

void Checksum::add_field(uint16_t value) noexcept { sum_ = fold(sum_) + hv::byte_swap(value); }

uint16_t Checksum::value() const noexcept {
  uint64_t sum = fold(sum_);
  for (int i = 0; i < 3; ++i) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

}  // namespace devices
