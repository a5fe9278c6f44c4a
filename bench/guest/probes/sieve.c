#include <string.h>

#include "probe.h"

enum { kLimit = 20000000 };

uint64_t probe_sieve(void) {
  uint8_t* composite = allocate(kLimit);
  memset(composite, 0, kLimit);
  start_clock();
  uint64_t primes = 0;
  for (size_t i = 2; i < kLimit; i++) {
    if (composite[i]) continue;
    primes++;
    for (size_t j = i * i; j < kLimit; j += i) composite[j] = 1;
  }
  release(composite, kLimit);
  return primes;
}
