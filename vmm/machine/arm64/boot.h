#pragma once

#include <cstdint>

#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "vmm/config/machine_config.h"

namespace vmm::arm64 {

/// Where the first processor starts and what it finds. Linux, Documentation/arch/arm64/booting.rst
struct BootState {
  uint64_t entry = 0;
  uint64_t device_tree = 0;  ///< x0
};

/// Loads kernel, initrd and device tree into memory, which is zero. Errors name the file.
hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, unsigned virtio_devices);

}  // namespace vmm::arm64
