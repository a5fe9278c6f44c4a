#include "emu/jit/x64/processor.h"

#include <asmjit/core.h>

namespace emu::jit::x64 {

const char* processor_obstacle() noexcept {
  const auto& features = asmjit::CpuInfo::host().features().x86();
  const bool has_all = features.hasAVX() && features.hasFMA() && features.hasBMI2() && features.hasLZCNT() &&
                       features.hasPOPCNT() && features.hasPCLMULQDQ() && features.hasF16C();
  return has_all ? "" : "this processor lacks AVX, FMA, BMI2, F16C, LZCNT, POPCNT or PCLMUL";
}

}  // namespace emu::jit::x64
