#include <math.h>

#include "probe.h"

// The kinds of work of Curnow and Wichmann's synthetic benchmark (1976): array elements, procedure calls,
// trigonometric and standard functions, integer arithmetic between them.

static __attribute__((noinline)) void relax(double* e, double t) {
  for (int i = 0; i < 6; i++) {
    e[0] = (e[0] + e[1] + e[2] - e[3]) * t;
    e[1] = (e[0] + e[1] - e[2] + e[3]) * t;
    e[2] = (e[0] - e[1] + e[2] + e[3]) * t;
    e[3] = (-e[0] + e[1] + e[2] + e[3]) / 2.000001;
  }
}

static __attribute__((noinline)) double blend(double x, double y, double t) {
  const double sum = t * (x + y);
  return (t * (sum + y) + sum) / 2.0;
}

static double trigonometry(double x, double y, double t) {
  const double along = t * atan(2.0 * sin(x) * cos(x) / (cos(x + y) + cos(x - y) + 1.0));
  const double across = t * atan(2.0 * sin(y) * cos(y) / (cos(x + y) + cos(x - y) + 1.0));
  return along + across;
}

uint64_t probe_whetstone(void) {
  const double t = 0.499975;
  double e[4] = {1.0, -1.0, -1.0, -1.0};
  double angle = 0.5;
  double level = 0.75;
  double sum = 0;
  int64_t whole = 1;
  opaque((uint64_t)e);
  for (int i = 0; i < 500000; i++) {
    relax(e, t);
    sum += blend(e[0], e[1], t) + blend(e[2], e[3], t);
    angle = 0.25 + 0.5 * fabs(trigonometry(angle, 0.5, t));
    level = sqrt(exp(log(level + 0.25) / 1.1));
    whole = whole * 3 + (i % 7) - whole / 5;
    whole %= 1000003;
    sum += (double)whole * 1e-6;
  }
  // Mathematical libraries differ in the last bit.
  return (uint64_t)llround(sum * 10) + (uint64_t)llround((angle + level) * 1e6);
}
