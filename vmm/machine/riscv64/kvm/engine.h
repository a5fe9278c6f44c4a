#pragma once

#include "vmm/machine/riscv64/engine.h"

namespace vmm::riscv64 {

/// Harts of the kernel's, from S-mode on. Error: a configuration that needs M-mode, or no KVM.
hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment);

}  // namespace vmm::riscv64
