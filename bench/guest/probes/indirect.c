#include "probe.h"

static __attribute__((noinline)) uint64_t add(uint64_t x, uint64_t i) { return x + i; }
static __attribute__((noinline)) uint64_t flip(uint64_t x, uint64_t i) { return x ^ (i << 3); }
static __attribute__((noinline)) uint64_t turn(uint64_t x, uint64_t i) { return (x << 1 | x >> 63) + i; }
static __attribute__((noinline)) uint64_t take(uint64_t x, uint64_t i) { return x - (i >> 1); }

static uint64_t (*const volatile kTargets[4])(uint64_t, uint64_t) = {add, flip, turn, take};

uint64_t probe_indirect(void) {
  uint64_t x = opaque(1);
  for (uint64_t i = 0; i < 25000000; i++) x = kTargets[i & 3](x, i);
  return x;
}
