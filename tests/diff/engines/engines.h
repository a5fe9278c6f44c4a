#pragma once

#include <string>

#include <gtest/gtest.h>

#include "emu/riscv/hart_group.h"

/// The engines that the tests of this folder compare.
namespace tests::diff {

inline constexpr emu::riscv::EngineConfig kInterpreter = {};
/// Translated from the first time on.
inline constexpr emu::riscv::EngineConfig kJit = {
    .kind = emu::riscv::EngineKind::jit, .jit_cache = 16 << 20, .hot_after = 1};
/// Compares the two block by block, too.
inline constexpr emu::riscv::EngineConfig kLockstep = {.kind = emu::riscv::EngineKind::lockstep, .jit_cache = 16 << 20};

inline const auto kAllEngines = ::testing::Values(kInterpreter, kJit, kLockstep);
inline std::string name_of_engine(const ::testing::TestParamInfo<emu::riscv::EngineConfig>& info) {
  constexpr const char* kNames[] = {"Interpreter", "Jit", "Lockstep"};
  return kNames[static_cast<size_t>(info.param.kind)];
}

}  // namespace tests::diff
