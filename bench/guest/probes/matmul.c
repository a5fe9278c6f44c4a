#include <string.h>

#include "probe.h"

enum { kSize = 400 };

static double a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];

// Sums of small whole numbers: exact in any order, with or without fused multiply-adds.
static void fill(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      a[i][j] = (i * 7 + j * 3) % 17 - 8;
      b[i][j] = (i * 5 + j * 11) % 19 - 9;
      c[i][j] = 0;
    }
  }
}

uint64_t probe_matmul(void) {
  fill();
  start_clock();
  for (int i = 0; i < kSize; i++) {
    for (int k = 0; k < kSize; k++) {
      const double factor = a[i][k];
      for (int j = 0; j < kSize; j++) c[i][j] += factor * b[k][j];
    }
  }
  double sum = 0;
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) sum += c[i][j] * (i + 2 * j);
  }
  return (uint64_t)(int64_t)sum;
}
