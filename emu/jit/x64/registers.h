#pragma once

#include <array>
#include <cstdint>

#include <asmjit/x86.h>

/// Which host register holds what in generated code, the same everywhere:
///
///   rbp            the vCPU's state, plus kStateBias so that its integer registers have one-byte displacements
///   rsp            frame with spilled values
///   kTemporaries   values within a block
///   kPinned        the guest's hot registers, always
namespace emu::jit::x64 {

inline constexpr int32_t kStateBias = 128;
inline constexpr auto kState = asmjit::x86::rbp;

/// Register numbers of one class.
struct Bank {
  std::array<uint8_t, 8> temporaries;
  uint8_t temporary_count;
  std::array<uint8_t, 12> pinned;
  uint8_t pinned_count;
};

using asmjit::x86::Gp;
inline constexpr Bank kIntegerBank = {
    .temporaries = {Gp::kIdAx, Gp::kIdCx, Gp::kIdDx, Gp::kIdSi, Gp::kIdDi},
    .temporary_count = 5,
    .pinned = {Gp::kIdBx, Gp::kIdR8, Gp::kIdR9, Gp::kIdR10, Gp::kIdR11, Gp::kIdR12, Gp::kIdR13, Gp::kIdR14, Gp::kIdR15},
    .pinned_count = 9,
};
inline constexpr Bank kFloatBank = {
    .temporaries = {0, 1, 2, 3, 4, 5},
    .temporary_count = 6,
    .pinned = {6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .pinned_count = 10,
};

/// Bytes at rsp for values that no temporary is left for.
inline constexpr int32_t kSpillSlots = 64;
inline constexpr int32_t kFrameBytes = kSpillSlots * 8 + 8;  // keeps calls from thunks aligned

}  // namespace emu::jit::x64
