#pragma once

#include <cstdio>
#include <cstdlib>

namespace hv {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "vireo: internal error: %s:%d: CHECK(%s) failed\n", file, line, condition);
  std::abort();
}

}  // namespace hv

/// Stops the program when `condition` is false: for mistakes of our own, never for what a guest or a user wrote.
#define CHECK(condition)                                  \
  do {                                                    \
    if (!(condition)) [[unlikely]]                        \
      ::hv::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
