#pragma once

#include "vmm/machine/arm64/engine.h"

namespace vmm::arm64 {

/// Processors and a GICv3 of the kernel's.
hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment);

}  // namespace vmm::arm64
