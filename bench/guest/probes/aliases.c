#include "probe.h"

enum { kArrays = 4, kDistance = 16 << 20, kUsed = 1 << 20 };

// Arrays whose distance is a power of two compete for the same entries of caches and of translation look-aside buffers.
uint64_t probe_aliases(void) {
  uint8_t* const bytes = allocate((size_t)kArrays * kDistance);
  for (size_t i = 0; i < kUsed; i += 8) {
    for (size_t array = 0; array < kArrays; array++) *(uint64_t*)(bytes + array * kDistance + i) = i + array;
  }
  start_clock();
  uint64_t sum = 0;
  for (int round = 0; round < 100; round++) {
    for (size_t i = 0; i < kUsed; i += 8) {
      for (size_t array = 0; array < kArrays; array++) sum += *(uint64_t*)(bytes + array * kDistance + i);
    }
    sum = opaque(sum);
  }
  release(bytes, (size_t)kArrays * kDistance);
  return sum;
}
