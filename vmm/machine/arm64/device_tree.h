#pragma once

#include <vector>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "vmm/boot/tree_parts.h"

namespace vmm::arm64 {

struct DeviceTreeConfig {
  unsigned cpus = 1;
  hv::GuestRange ram;
  Chosen chosen;  ///< stdout_path is the machine's
  unsigned virtio_devices = 0;
  bool uart_is_console = true;
};

/// The flattened device tree that tells the kernel what the machine consists of.
hv::Result<std::vector<std::byte>> make_device_tree(const DeviceTreeConfig& config);

}  // namespace vmm::arm64
