#pragma once

#include <cstddef>

#include "emu/jit/arena.h"
#include "emu/jit/block.h"
#include "emu/jit/layout.h"

namespace emu::jit::x64 {

/// The pieces of host code that all blocks share: the way in and out of generated code and the slow paths.
struct Thunks {
  /// Runs generated code from `entry` until it leaves. nullptr: go on at the state's pc.
  using Enter = const Exit* (*)(void* state, const std::byte* entry) noexcept;
  Enter enter = nullptr;

  // Jumped to by generated code.
  const std::byte* leave = nullptr;  ///< with the Exit in rax
  const std::byte* jump = nullptr;   ///< to the guest address in rax
  // Called by generated code; every register is kept.
  // With a packed AccessInfo pushed, which they pop; see Layout.
  const std::byte* load = nullptr;
  const std::byte* store = nullptr;
  const std::byte* read_modify_write = nullptr;
  const std::byte* compare_and_swap = nullptr;
  const std::byte* load_reserved = nullptr;
  const std::byte* store_conditional = nullptr;
  const std::byte* zero_block = nullptr;
  /// Scratch::slow_value = Scratch::evaluator of Scratch::slow_address and Scratch::slow_value.
  const std::byte* evaluate = nullptr;
  // The same for accesses that have not looked into the inline TLB yet.
  const std::byte* load_near = nullptr;
  const std::byte* store_near = nullptr;
  const std::byte* move_window = nullptr;  ///< see look_through_window; pops what was pushed
  /// The instruction in rsi, the helper in rdx; temporaries are lost.
  const std::byte* call = nullptr;

  /// What the jump table holds where there is no block: an entry point whose key no code has.
  const std::byte* no_block = nullptr;
};

/// Puts them at the begin of `arena`.
Thunks make_thunks(Arena& arena, const Layout& layout);

}  // namespace emu::jit::x64
