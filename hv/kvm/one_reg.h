#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/state_io.h"

namespace hv::kvm {

/// A vCPU's registers by the kernel's numbers (Linux, Documentation/virt/kvm/api.rst, KVM_SET_ONE_REG), on
/// architectures whose vCPUs consist of them. While the vCPU does not run.

/// Of 4 or 8 bytes. Nothing: there is no such register, or it is larger.
std::optional<uint64_t> get_register(int vcpu_fd, uint64_t id) noexcept;
/// False: the kernel does not take it.
bool set_register(int vcpu_fd, uint64_t id, uint64_t value) noexcept;

/// All that make up the vCPU's state, as the kernel lists them, but those that it lists and does not give.
void save_registers(StateWriter& writer, int vcpu_fd);
/// In the order in which they were saved. A register that cannot be written must have its value already.
void load_registers(StateReader& reader, int vcpu_fd);

/// Whether the processor runs or waits (KVM_GET_MP_STATE).
void save_run_state(StateWriter& writer, int vcpu_fd);
void load_run_state(StateReader& reader, int vcpu_fd);

}  // namespace hv::kvm
