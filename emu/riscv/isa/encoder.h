#pragma once

#include <cstdint>
#include <optional>

#include "emu/riscv/isa/table.h"

namespace emu::riscv {

/// Operands by their architectural meaning: register numbers 0 to 31, the immediate as decode() gives it.
struct Operands {
  uint8_t rd = 0;
  uint8_t rs1 = 0;
  uint8_t rs2 = 0;
  uint8_t rs3 = 0;
  int32_t imm = 0;
  /// Bits of the encoding that are no operand (rounding mode, aq and rl, fence sets); only those that the row leaves
  /// open count.
  uint32_t other = 0;
};

/// The encoding of `row` with `operands`, or nothing if the row cannot have them (a register out of reach, an immediate
/// that does not fit, a reserved combination, one that is another row's). Operands that the row lacks are not looked
/// at.
std::optional<uint32_t> encode(const Row& row, const Operands& operands) noexcept;

}  // namespace emu::riscv
