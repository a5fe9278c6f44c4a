#pragma once

#include "vmm/machine/riscv64/engine.h"

namespace vmm::riscv64 {

/// Emulated harts, interpreted or translated, with M-mode and the ACLINT, which goes on the bus.
hv::Result<std::unique_ptr<Engine>> create_emulated_engine(const MachineConfig& config,
                                                           const Engine::Environment& environment);

}  // namespace vmm::riscv64
