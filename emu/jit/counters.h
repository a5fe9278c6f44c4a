#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/jit/block.h"

namespace emu::jit {

/// How often a vCPU took the slow ways, each of which counts itself, and, with Layout::counts, how often it looked into
/// the tables that generated code has inline. Owned by the vCPU's thread.
struct Counters {
  std::array<uint64_t, Exit::kKinds> exits{};  ///< from generated code, by kind
  uint64_t returns = 0;      ///< from generated code without an Exit: a jump that no table knew, or an exception
  uint64_t exceptions = 0;   ///< in an access or a helper that generated code called
  uint64_t interpreted = 0;  ///< stretches of code that was not translated
  uint64_t helper_calls = 0;
  uint64_t loads = 0;  ///< that missed the inline TLB, and so on
  uint64_t stores = 0;
  uint64_t refills = 0;  ///< of these loads and stores, by generated code from the second level
  uint64_t atomics = 0;
  uint64_t translation_ns = 0;

  struct LookUps {
    uint64_t all = 0;
    uint64_t missed = 0;
  };
  LookUps windows;
  LookUps tlb;  ///< of loads and stores; several that go by one look-up are one
  LookUps jumps;

  void leave(Exit::Kind kind) noexcept { ++exits[static_cast<size_t>(kind)]; }
};

}  // namespace emu::jit
