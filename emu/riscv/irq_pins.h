#pragma once

#include "hv/core/vcpu.h"

/// The interrupt inputs of a RISC-V hart, numbered by their bits in mip (Privileged §3.1.9).
namespace emu::riscv::irq {

inline constexpr hv::IrqPin kSupervisorSoftware{1};  ///< an edge: raising sets mip.SSIP, which software clears
inline constexpr hv::IrqPin kMachineSoftware{3};
inline constexpr hv::IrqPin kMachineTimer{7};
inline constexpr hv::IrqPin kSupervisorExternal{9};
inline constexpr hv::IrqPin kMachineExternal{11};

}  // namespace emu::riscv::irq
