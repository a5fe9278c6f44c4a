#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "vmm/machine/riscv64/processor.h"

namespace vmm::riscv64 {

struct DeviceTreeConfig {
  unsigned cpus = 1;
  Processor processor = emulated_processor();
  hv::GuestRange ram;
  std::string cmdline;
  hv::GuestRange initrd;  ///< size 0: none
  unsigned virtio_devices = 0;
  bool uart_is_console = true;
  uint64_t kaslr_seed = 0;
  std::array<std::byte, 64> rng_seed{};
};

/// The flattened device tree that tells the kernel what the machine consists of.
hv::Result<std::vector<std::byte>> make_device_tree(const DeviceTreeConfig& config);

}  // namespace vmm::riscv64
