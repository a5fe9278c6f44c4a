#include "probe.h"

enum { kSize = 64000000 };

// The reflected polynomial of IEEE 802.3.
static const uint32_t kPolynomial = 0xedb88320;

static uint32_t table[256];

static void make_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t entry = i;
    for (int bit = 0; bit < 8; bit++) entry = entry & 1 ? entry >> 1 ^ kPolynomial : entry >> 1;
    table[i] = entry;
  }
}

uint64_t probe_crc32(void) {
  uint8_t* bytes = allocate(kSize);
  uint64_t random = 3;
  for (size_t i = 0; i < kSize; i += 8) *(uint64_t*)(bytes + i) = next_random(&random);
  make_table();
  start_clock();
  uint32_t crc = ~0u;
  for (size_t i = 0; i < kSize; i++) crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
  release(bytes, kSize);
  return ~crc;
}
