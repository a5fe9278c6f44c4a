#pragma once

#include "hv/base/result.h"
#include "hv/core/vcpu.h"
#include "hv/kvm/x86/start_state.h"

namespace hv::kvm::x86 {

/// Of the vCPU behind a file descriptor, while it does not run.
Registers read_registers(int vcpu_fd);
Result<void> set_start_state(int vcpu_fd, const StartState& state);

}  // namespace hv::kvm::x86
