// Writes functions, runs them, and writes others over them: in its own pages, over two mappings of the same pages, from
// another thread, and in pages that a child got from its parent. After the flush that Linux has for it, nobody runs what
// was there before.

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRounds = 2000, kThreadRounds = 100, kPage = 4096, kFunctions = 64, kFunctionBytes = 12 };

typedef uint64_t (*Function)(void);

static void require(int truth, const char* what) {
  if (truth) return;
  printf("self-modifying code: %s\n", what);
  exit(1);
}

// lui a0, number >> 12; addiw a0, a0, number & 4095; ret
static void write_function(unsigned char* at, uint32_t number) {
  const uint32_t upper = (number + 0x800) & 0xfffff000u;
  const uint32_t code[3] = {upper | 0x537, (number - upper) << 20 | 0x5051b, 0x00008067};
  memcpy(at, code, sizeof code);
}
static void flush(unsigned char* begin, size_t size) { __builtin___clear_cache((char*)begin, (char*)begin + size); }
static uint64_t run(const unsigned char* at) { return ((Function)(uintptr_t)at)(); }

static unsigned char* map(int file, int protection) {
  const int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  unsigned char* const pages = mmap(NULL, 2 * kPage, protection, flags, file, 0);
  require(pages != MAP_FAILED, "no memory");
  return pages;
}

static void over_and_over(unsigned char* writable, unsigned char* executable) {
  uint32_t random = 1;
  uint32_t numbers[kFunctions] = {0};
  // The functions lie over the end of the first page.
  const size_t first = kPage - kFunctions / 2 * kFunctionBytes - 2;
  for (int i = 0; i < kFunctions; ++i) write_function(writable + first + i * kFunctionBytes, 0);
  for (int i = 0; i < kRounds; ++i) {
    random = random * 1664525 + 1013904223;
    const uint32_t which = (random >> 16) % kFunctions;
    numbers[which] = random >> 8 & 0x7ffff;
    write_function(writable + first + which * kFunctionBytes, numbers[which]);
    flush(executable + first + which * kFunctionBytes, kFunctionBytes);
    const uint32_t other = random % kFunctions;
    require(run(executable + first + which * kFunctionBytes) == numbers[which], "an old function ran");
    require(run(executable + first + other * kFunctionBytes) == numbers[other], "another function changed");
  }
}

static unsigned char* shared_page;
static atomic_uint published, seen;

static void* call_from_a_thread(void* unused) {
  for (uint32_t last = 0; last < kThreadRounds;) {
    const uint32_t least = atomic_load(&published);
    if (least == last) {
      sched_yield();
      continue;
    }
    const uint64_t number = run(shared_page);
    require(number >= least && number <= kThreadRounds, "another thread ran an old function");
    last = least;
    atomic_store(&seen, last);
  }
  return unused;
}

static void for_another_thread(void) {
  shared_page = map(-1, PROT_READ | PROT_WRITE | PROT_EXEC);
  pthread_t thread;
  require(pthread_create(&thread, NULL, call_from_a_thread, NULL) == 0, "no thread");
  for (uint32_t i = 1; i <= kThreadRounds; ++i) {
    // The other thread is not in the function: what it would fetch of one that is half written is up to the processor.
    while (atomic_load(&seen) != i - 1) sched_yield();
    write_function(shared_page, i);
    flush(shared_page, kFunctionBytes);
    atomic_store(&published, i);
  }
  pthread_join(thread, NULL);
}

static void in_children(void) {
  unsigned char* const pages = map(-1, PROT_READ | PROT_WRITE | PROT_EXEC);
  write_function(pages, 1);
  flush(pages, kFunctionBytes);
  for (uint32_t i = 2; i < 30; ++i) {
    require(run(pages) == 1, "the parent's function changed");
    const pid_t child = fork();
    if (child == 0) {
      if (run(pages) != 1) _exit(1);
      write_function(pages, i);
      flush(pages, kFunctionBytes);
      _exit(run(pages) == i ? 0 : 1);
    }
    int status = 1;
    require(waitpid(child, &status, 0) == child && status == 0, "a child ran an old function");
  }
}

int main(void) {
  unsigned char* const pages = map(-1, PROT_READ | PROT_WRITE | PROT_EXEC);
  over_and_over(pages, pages);
  const int file = memfd_create("code", 0);
  require(file >= 0 && ftruncate(file, 2 * kPage) == 0, "no file");
  over_and_over(map(file, PROT_READ | PROT_WRITE), map(file, PROT_READ | PROT_EXEC));
  for_another_thread();
  in_children();
  puts("self-modifying code: every function that ran was the last one written");
  return 0;
}
