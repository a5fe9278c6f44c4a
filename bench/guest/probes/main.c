// One program for all probes, so that a guest needs one file and one start of a machine can run many.
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>

#include "command.h"
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
static const char* running;  ///< its start is said, when the environment has PROBE_MARKS

void start_clock(void) {
  if (running != NULL) {
    printf("started %s\n", running);
    fflush(stdout);
  }
  clock_gettime(CLOCK_MONOTONIC, &started);
}

static int marks(void) { return getenv("PROBE_MARKS") != NULL; }

void fail(const char* what) {
  perror(what);
  exit(1);
}

void* allocate(size_t size) {
  void* const memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

void release(void* memory, size_t size) { munmap(memory, size); }

static double milliseconds_since(struct timespec start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start.tv_sec) * 1e3 + (double)(now.tv_nsec - start.tv_nsec) / 1e6;
}

static int usage(void) {
  printf("usage: probes NAME|KIND...\n");
  printf("       probes --time NAME COMMAND...   the same for a command; the checksum is its output's\n");
  printf(
      "Runs each and prints `name milliseconds checksum`; with PROBE_MARKS in the environment also `started name`.\n");
  for (size_t i = 0; i < kCount; i++) printf("  %-10s %-8s %s\n", kProbes[i].name, kProbes[i].kind, kProbes[i].about);
  return 2;
}

static void report(const char* name, double milliseconds, uint64_t checksum) {
  printf("%s %.1f %016llx\n", name, milliseconds, (unsigned long long)checksum);
  fflush(stdout);
}

static int run_all(const char* wanted) {
  int found = 0;
  for (size_t i = 0; i < kCount; i++) {
    if (strcmp(wanted, kProbes[i].name) != 0 && strcmp(wanted, kProbes[i].kind) != 0) continue;
    found = 1;
    if (marks()) running = kProbes[i].name;
    start_clock();
    const uint64_t checksum = kProbes[i].run();
    report(kProbes[i].name, milliseconds_since(started), checksum);
  }
  return found;
}

static int time_command(const char* name, char** command) {
  FILE* const output = tmpfile();
  if (output == NULL) fail("tmpfile");
  if (marks()) running = name;
  start_clock();
  const int status = run_command(command, fileno(output));
  const double milliseconds = milliseconds_since(started);
  if (status != 0) {
    printf("%s failed %d\n", name, status);
    return 1;
  }
  report(name, milliseconds, checksum_of(output));
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return usage();
  if (strcmp(argv[1], "--nothing") == 0) return 0;  // what forkexec executes
  if (strcmp(argv[1], "--time") == 0 && argc > 3) return time_command(argv[2], argv + 3);
  for (int i = 1; i < argc; i++) {
    if (run_all(argv[i])) continue;
    fprintf(stderr, "probes: there is no %s\n", argv[i]);
    return 2;
  }
  return 0;
}
