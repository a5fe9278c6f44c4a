#pragma once

#include <cstdint>
#include <optional>

#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/riscv64/processor.h"

namespace vmm::riscv64 {

/// Where harts start and what they find in their registers.
struct BootState {
  uint64_t entry = 0;
  uint64_t device_tree = 0;    ///< a1
  uint64_t firmware_info = 0;  ///< a2: OpenSBI's struct fw_dynamic_info
  std::optional<hv::GuestAddress> tohost;
  std::optional<hv::GuestAddress> fromhost;
};

/// Loads what the configuration boots into memory, which is zero: firmware, kernel, initrd and device tree, or a
/// bare-metal program. Errors name the file.
hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, const Processor& processor,
                                       unsigned virtio_devices);

}  // namespace vmm::riscv64
