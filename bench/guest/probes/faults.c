#define _DEFAULT_SOURCE
#include <sys/mman.h>

#include "probe.h"

enum { kSize = 64 << 20, kPage = 4096 };

uint64_t probe_faults(void) {
  uint64_t touched = 0;
  for (int round = 0; round < 4; round++) {
    volatile uint8_t* bytes = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) fail("mmap");
    madvise((void*)bytes, kSize, MADV_NOHUGEPAGE);  // a kernel without huge pages refuses, and needs not to be asked
    for (size_t i = 0; i < kSize; i += kPage) {
      bytes[i] = 1;
      touched += bytes[i];
    }
    munmap((void*)bytes, kSize);
  }
  return touched;
}
