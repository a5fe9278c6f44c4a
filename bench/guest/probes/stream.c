#include "probe.h"

// Not a power of two apart: that is what `aliases` is for.
enum { kLength = 2 << 20, kBytes = kLength * sizeof(double) + 5 * 4096 };

// After McCalpin's STREAM: four kernels over arrays that no cache holds.
uint64_t probe_stream(void) {
  double* a = allocate(kBytes);
  double* b = allocate(kBytes);
  double* c = allocate(kBytes);
  for (size_t i = 0; i < kLength; i++) {
    a[i] = (double)(i % 1024);
    b[i] = 2;
    c[i] = 0;
  }
  start_clock();
  for (int round = 0; round < 5; round++) {
    const double scalar = (double)opaque(3);
    for (size_t i = 0; i < kLength; i++) c[i] = a[i];
    for (size_t i = 0; i < kLength; i++) b[i] = scalar * c[i];
    for (size_t i = 0; i < kLength; i++) c[i] = a[i] + b[i];
    for (size_t i = 0; i < kLength; i++) a[i] = b[i] + scalar * c[i];
  }
  uint64_t checksum = 0;
  for (size_t i = 0; i < kLength; i += 1001) checksum = checksum * 31 + (uint64_t)a[i];
  release(a, kBytes);
  release(b, kBytes);
  release(c, kBytes);
  return checksum;
}
