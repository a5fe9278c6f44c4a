#include <stdlib.h>

#include "probe.h"

enum { kCount = 2000000 };

static int compare(const void* left, const void* right) {
  const int a = *(const int*)left;
  const int b = *(const int*)right;
  return (a > b) - (a < b);
}

uint64_t probe_qsort(void) {
  int* numbers = allocate(kCount * sizeof(int));
  uint64_t random = 7;
  for (size_t i = 0; i < kCount; i++) numbers[i] = (int)(next_random(&random) >> 33);
  start_clock();
  qsort(numbers, kCount, sizeof(int), compare);
  uint64_t checksum = 0;
  for (size_t i = 0; i < kCount; i++) checksum = checksum * 31 + (uint64_t)numbers[i];
  release(numbers, kCount * sizeof(int));
  return checksum;
}
