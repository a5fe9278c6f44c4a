// One program for all probes, so that a guest needs one file and one start of a machine can run many.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe.h"

#define PROBE(name, kind, about) uint64_t probe_##name(void);
#include "probes.def"
#undef PROBE

static const struct {
  const char* name;
  const char* kind;
  const char* about;
  ProbeFunction run;
} kProbes[] = {
#define PROBE(name, kind, about) {#name, #kind, about, probe_##name},
#include "probes.def"
#undef PROBE
};
static const size_t kCount = sizeof(kProbes) / sizeof(kProbes[0]);

static struct timespec started;

void start_clock(void) { clock_gettime(CLOCK_MONOTONIC, &started); }

void fail(const char* what) {
  perror(what);
  exit(1);
}

void* allocate(size_t size) {
  void* memory = malloc(size);
  if (memory == NULL) fail("malloc");
  return memory;
}

static double milliseconds_since(struct timespec start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start.tv_sec) * 1e3 + (double)(now.tv_nsec - start.tv_nsec) / 1e6;
}

static int usage(void) {
  printf("usage: probes NAME|KIND...\nRuns each and prints `name milliseconds checksum`.\n");
  for (size_t i = 0; i < kCount; i++) printf("  %-10s %-8s %s\n", kProbes[i].name, kProbes[i].kind, kProbes[i].about);
  return 2;
}

static int run_all(const char* wanted) {
  int found = 0;
  for (size_t i = 0; i < kCount; i++) {
    if (strcmp(wanted, kProbes[i].name) != 0 && strcmp(wanted, kProbes[i].kind) != 0) continue;
    found = 1;
    start_clock();
    const uint64_t checksum = kProbes[i].run();
    printf("%s %.1f %016llx\n", kProbes[i].name, milliseconds_since(started), (unsigned long long)checksum);
    fflush(stdout);
  }
  return found;
}

int main(int argc, char** argv) {
  if (argc < 2) return usage();
  if (strcmp(argv[1], "--nothing") == 0) return 0;  // what forkexec executes
  for (int i = 1; i < argc; i++) {
    if (!run_all(argv[i])) return usage();
  }
  return 0;
}
