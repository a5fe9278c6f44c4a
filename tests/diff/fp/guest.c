// Runs every row of a group on the operands from standard input, in all rounding modes, and writes results and flags.
//
//     guest GROUP COUNT < operands > results
//
// For each row: COUNT times three 64-bit register images in, then 5 * COUNT times a register image and fflags out.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct Operands {
  uint64_t a, b, c;
};
struct Result {
  uint64_t value, flags;
};

enum { kModes = 5 };

static void read_all(void* to, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = read(0, (char*)to + done, size - done);
    if (n <= 0) exit(2);
    done += (size_t)n;
  }
}

static void write_all(const void* from, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(1, (const char*)from + done, size - done);
    if (n <= 0) exit(3);
    done += (size_t)n;
  }
}

#define STORE_fp "fsd fa0, 0(%1)\n"
#define STORE_integer "sd a0, 0(%1)\n"

#define ROW(assembly, operands_format, result_register, ...)                                   \
  read_all(operands, count * sizeof *operands);                                                       \
  for (unsigned mode = 0; mode < kModes; ++mode) {                                                    \
    for (size_t i = 0; i < count; ++i) {                                                              \
      __asm__ volatile(                                                                               \
          "fsrm %2\n"                                                                                 \
          "ld a0, 0(%0)\n"                                                                            \
          "fld fa0, 0(%0)\n"                                                                          \
          "fld fa1, 8(%0)\n"                                                                          \
          "fld fa2, 16(%0)\n"                                                                         \
          "fsflags zero\n" assembly "\n" STORE_##result_register                                      \
          "frflags a0\n"                                                                              \
          "sd a0, 8(%1)\n"                                                                            \
          :                                                                                           \
          : "r"(&operands[i]), "r"(&results[mode * count + i]), "r"(mode)                             \
          : "a0", "fa0", "fa1", "fa2", "memory");                                                     \
    }                                                                                                 \
  }                                                                                                   \
  write_all(results, kModes * count * sizeof *results);

#define GROUP_BEGIN(name)                                                                                       \
  static void run_##name(size_t count, struct Operands* operands, struct Result* results) {
#define GROUP_END }
#include "groups.def"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const size_t count = strtoul(argv[2], NULL, 10);
  struct Operands* const operands = calloc(count, sizeof *operands);
  struct Result* const results = calloc(kModes * count, sizeof *results);
  if (strcmp(argv[1], "fd") == 0) run_fd(count, operands, results);
#if FP_HAVE_ZFH
  if (strcmp(argv[1], "zfh") == 0) run_zfh(count, operands, results);
#endif
#if FP_HAVE_ZFA
  if (strcmp(argv[1], "zfa") == 0) run_zfa(count, operands, results);
#endif
  return 0;
}
