#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hv::kvm::riscv {

/// What a vCPU can do, for the device tree.
struct Processor {
  std::vector<std::string> extensions;  ///< in the order of an ISA string
  unsigned address_bits = 39;           ///< of the largest virtual addresses: 39, 48 or 57
  uint32_t cbom_block = 0;              ///< bytes; 0: the extension is not there
  uint32_t cboz_block = 0;
  uint32_t cbop_block = 0;
  uint64_t timebase = 0;  ///< Hz
};

/// Of the vCPU behind a file descriptor.
Processor describe_processor(int vcpu_fd);

/// Takes the advanced interrupt architecture's registers from a vCPU that has no such controllers.
void hide_advanced_interrupts(int vcpu_fd) noexcept;

}  // namespace hv::kvm::riscv
