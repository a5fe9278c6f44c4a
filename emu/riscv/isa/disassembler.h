#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "emu/riscv/isa/table.h"

namespace emu::riscv {

/// Prints instructions as `objdump -d` of GNU binutils does: mnemonic, tab, operands. Remembers the addresses that lui
/// and auipc began, to print in a comment the address that the next user of the register completes. One thread at a
/// time.
class Disassembler {
 public:
  /// The instruction at `pc`; `raw` as for decode(). Illegal encodings come out as ".2byte" or ".4byte".
  std::string next(uint32_t raw, uint64_t pc);

 private:
  friend class InstructionPrinter;
  struct Upper {
    bool is_known = false;
    uint64_t value = 0;
  };
  std::array<Upper, 32> upper_{};
};

/// One instruction by itself.
std::string disassemble(uint32_t raw, uint64_t pc);

}  // namespace emu::riscv
