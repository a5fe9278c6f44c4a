#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vmm::riscv64 {

/// What the harts can do, for the device tree.
struct Processor {
  std::vector<std::string> extensions;  ///< in the order of an ISA string
  unsigned address_bits = 57;           ///< of the largest virtual addresses: 39, 48 or 57
  uint32_t cbom_block = 0;              ///< bytes; 0: the extension is not there
  uint32_t cboz_block = 0;
  uint32_t cbop_block = 0;
  uint64_t timebase = 0;          ///< Hz
  bool has_machine_mode = false;  ///< and with it the ACLINT's devices
};

/// The emulator's harts.
Processor emulated_processor();

/// The ISA string of a hart, e.g. "rv64imafdc_zicsr".
std::string isa_string(const Processor& processor);

}  // namespace vmm::riscv64
