#pragma once

#include <cstdint>

#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "vmm/boot/x86_kernel.h"
#include "vmm/config/machine_config.h"

namespace vmm::x86_64 {

/// Where the first processor starts and what it finds.
struct BootState {
  X86Protocol protocol = X86Protocol::linux64;
  uint64_t entry = 0;
  uint64_t parameters = 0;  ///< struct boot_params or hvm_start_info
};

/// Loads kernel, initrd, command line, ACPI tables, the memory map, and what a 64-bit entry needs (page tables that map
/// the first 4 GiB as they are, flat segments). Memory is zero. Errors name the file.
hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, unsigned virtio_devices);

}  // namespace vmm::x86_64
