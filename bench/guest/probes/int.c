#include "probe.h"

uint64_t probe_int(void) {
  uint64_t x = opaque(88172645463325252u);
  for (uint64_t i = 0; i < 75000000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    x += i;
  }
  return x;
}
