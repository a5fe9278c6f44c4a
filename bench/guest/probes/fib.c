#include "probe.h"

static __attribute__((noinline)) uint64_t fib(uint64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

uint64_t probe_fib(void) { return fib(opaque(36)); }
