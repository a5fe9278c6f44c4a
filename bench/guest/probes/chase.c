#include "probe.h"

enum { kNodes = 128 * 1024 / sizeof(void*) };

// One cycle through all nodes in random order (Sattolo's shuffle).
static void* nodes[kNodes];

uint64_t probe_chase(void) {
  uint64_t random = 42;
  for (size_t i = 0; i < kNodes; i++) nodes[i] = &nodes[i];
  for (size_t i = kNodes - 1; i > 0; i--) {
    const size_t j = next_random(&random) % i;
    void* const other = nodes[i];
    nodes[i] = nodes[j];
    nodes[j] = other;
  }
  start_clock();
  void** at = &nodes[opaque(0)];
  for (int i = 0; i < 80000000; i++) at = *at;
  return (uint64_t)(at - nodes);
}
