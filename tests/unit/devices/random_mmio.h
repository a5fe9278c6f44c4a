#pragma once

#include <cstdint>
#include <random>

#include "hv/core/bus.h"

namespace devices {

/// Accesses that no driver would make: any offset within `range`, any size, any value. The seed is fixed, so a failure
/// repeats.
inline void access_at_random(hv::BusDevice& device, uint64_t range, int count = 100'000) {
  std::mt19937_64 random(20);
  for (int i = 0; i < count; ++i) {
    const unsigned size = 1u << (random() % 4);
    const uint64_t near = random() % 64 * 4 + (random() % 8 == 0 ? random() % 4 : 0);
    const uint64_t far = random() % range;
    const uint64_t offset = (random() % 2 == 0 ? near : far) % range;
    const uint64_t value = random() >> (random() % 64);
    if (random() % 2 == 0) {
      device.bus_read(offset, size);
    } else {
      device.bus_write(offset, size, value);
    }
  }
}

}  // namespace devices
