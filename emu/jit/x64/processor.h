#pragma once

namespace emu::jit::x64 {

/// What the host's processor lacks of what generated code uses (AVX, FMA, BMI2, F16C, LZCNT, POPCNT, PCLMUL), as a
/// sentence; empty if nothing.
const char* processor_obstacle() noexcept;

}  // namespace emu::jit::x64
