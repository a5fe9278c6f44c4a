#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "emu/jit/counters.h"
#include "emu/mmu/jump_cache.h"
#include "emu/mmu/second_level_tlb.h"
#include "emu/mmu/tlb.h"
#include "emu/mmu/windows.h"

namespace emu::jit {

/// How generated code fills the inline TLB for loads and stores from the second level.
struct Refill {
  const mmu::SecondLevelTlb::View* second_level = nullptr;  ///< nullptr: somebody else has to look
  mmu::Tlb::Journal* journal = nullptr;                     ///< of the inline TLB
  /// The present mode reaches the pages whose flags have, of those in `mask`, `wanted`. What it may do there follows
  /// from Layout::read_flag and write_flag alone.
  uint32_t mask = 0;
  uint32_t wanted = kNever;

  static constexpr uint32_t kNever = 1;  ///< as `wanted`, with a mask of 0: it reaches none by these rules
};

/// What generated code keeps in a vCPU's state for itself. Owned by the vCPU's thread, but for the entries of the jump
/// table, which all threads share.
struct Scratch {
  alignas(16) std::array<uint64_t, 2> box = {0xffffffff00000000, 0};  ///< what NaN-boxing adds to a 4-byte value
  uint64_t nan4 = 0x7fc00000;                                         ///< canonical NaNs
  uint64_t nan8 = 0x7ff8000000000000;
  /// By jump_index of a host address: the entry point of a block. Eight bytes before each entry point is the address of
  /// the guest code that it stands for.
  const std::atomic<const std::byte*>* jump_table = nullptr;
  mmu::JumpCache* jumps = nullptr;  ///< by guest address; of the present address space and mode
  Refill refill;
  uint64_t slow_address = 0;           ///< of an access that missed the inline TLB
  uint64_t slow_value = 0;             ///< to be stored, or loaded
  uint64_t slow_expected = 0;          ///< of a compare-and-swap
  uint64_t evaluator = 0;              ///< a Layout::Evaluate, of slow_address and slow_value
  std::array<uint64_t, 5> integers{};  ///< temporary host registers during a slow path
  std::array<uint64_t, 16> floats{};   ///< the same, of the low halves of xmm0 to xmm15
  Counters counters;
  mmu::Windows windows;
};

inline constexpr size_t kJumpTableEntries = 131072;

/// Code is told apart by its lowest bits; the page's number spreads pages.
inline size_t jump_index(const std::byte* host) noexcept {
  const auto address = reinterpret_cast<uintptr_t>(host);
  return ((address >> 1) ^ (address >> 16)) & (kJumpTableEntries - 1);
}

}  // namespace emu::jit
