#pragma once

#include <stddef.h>
#include <stdint.h>

/// A probe does one kind of work and returns a checksum of it that is the same on every machine.
/// The clock runs from the call to the return, or from the last `start_clock`.
typedef uint64_t (*ProbeFunction)(void);

/// What came before was preparation: it is not measured.
void start_clock(void);

/// Ends the program with a message: the system refused something.
void fail(const char* what);

/// Pages of zeros of their own, wherever other probes left the heap.
void* allocate(size_t size);
void release(void* memory, size_t size);

/// The next of a fixed sequence of pseudo-random numbers (xorshift64, Marsaglia 2003); `state` is not 0.
static inline uint64_t next_random(uint64_t* state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

/// The compiler knows nothing of the value that comes back, nor that memory is as it was.
static inline uint64_t opaque(uint64_t value) {
  __asm__ volatile("" : "+r"(value) : : "memory");
  return value;
}
