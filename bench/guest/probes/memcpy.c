#include <string.h>

#include "probe.h"

enum { kSize = 32 << 20 };

uint64_t probe_memcpy(void) {
  uint8_t* from = allocate(kSize);
  uint8_t* to = allocate(kSize);
  for (size_t i = 0; i < kSize; i++) from[i] = (uint8_t)(i * 7);
  memset(to, 0, kSize);
  start_clock();
  uint64_t checksum = 0;
  for (int round = 0; round < 20; round++) {
    memcpy(to, from, kSize);
    from[round] = (uint8_t)opaque((uint64_t)round);
    checksum = checksum * 31 + to[kSize / 2 + (size_t)round] + to[round];
  }
  release(from, kSize);
  release(to, kSize);
  return checksum;
}
