#pragma once

#include "emu/riscv/hart_group.h"

/// The engines that the tests of this folder compare.
namespace tests::diff {

inline constexpr emu::riscv::EngineConfig kInterpreter = {};
/// Translated from the first time on.
inline constexpr emu::riscv::EngineConfig kJit = {
    .kind = emu::riscv::EngineKind::jit, .jit_cache = 16 << 20, .hot_after = 1};

}  // namespace tests::diff
