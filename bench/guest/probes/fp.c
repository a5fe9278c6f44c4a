#include <math.h>
#include <string.h>

#include "probe.h"

uint64_t probe_fp(void) {
  double factor = 0.999999;
  double addend = 1e-6;
  __asm__ volatile("" : "+m"(factor), "+m"(addend));
  double x = 1.5;
  for (int i = 0; i < 60000000; i++) x = __builtin_fma(x, factor, addend);
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}
