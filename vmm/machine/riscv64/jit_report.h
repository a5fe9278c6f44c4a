#pragma once

#include "emu/riscv/hart_group.h"
#include "vmm/machine/report.h"

namespace vmm::riscv64 {

/// What the JIT did so far, summed over the harts. While none of them runs. No groups without a JIT.
Report jit_report(emu::riscv::HartGroup& harts);

}  // namespace vmm::riscv64
