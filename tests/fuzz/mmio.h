#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "hv/base/check.h"
#include "hv/core/bus.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// A sequence of what happens to a device, out of the fuzzer's bytes.
class MmioScript {
 public:
  explicit MmioScript(std::span<const uint8_t> data) : data_(data) {}

  bool ended() const { return data_.empty(); }

  /// The next bytes as a number; zeros once they have run out.
  template <typename T>
  T next() {
    T value{};
    const size_t count = sizeof value < data_.size() ? sizeof value : data_.size();
    std::memcpy(&value, data_.data(), count);
    data_ = data_.subspan(count);
    return value;
  }

  /// One access by a guest: any offset in `range`, size and value.
  void access(hv::BusDevice& device, uint64_t range) {
    const auto kind = next<uint8_t>();
    const unsigned size = 1u << (kind & 3);
    const uint64_t offset = next<uint32_t>() % range;
    if ((kind & 4) != 0) {
      device.bus_write(offset, size, next<uint64_t>());
    } else {
      const uint64_t value = device.bus_read(offset, size);
      CHECK(size == 8 || value >> (8 * size) == 0);
    }
  }

 private:
  std::span<const uint8_t> data_;
};

/// Whatever a guest made of `device`, its state is one that `other`, a new one, takes over and saves just so.
inline void check_round_trip(const hv::Snapshottable& device, hv::Snapshottable& other) {
  hv::StateWriter first;
  device.save(first);
  hv::StateReader reader(first.data());
  CHECK(other.load(reader).has_value());
  hv::StateWriter second;
  other.save(second);
  CHECK(first.data().size() == second.data().size());
}

}  // namespace devices
