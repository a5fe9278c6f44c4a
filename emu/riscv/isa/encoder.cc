#include "emu/riscv/isa/encoder.h"

namespace emu::riscv {

std::optional<uint32_t> encode(const Row& row, const Operands& operands) noexcept {
  uint32_t raw = row.match;
  uint32_t fixed = row.mask;
  bool possible = true;
  const auto put = [&](uint32_t field, uint32_t bits) {
    possible = possible && ((raw ^ bits) & field & fixed) == 0;
    raw |= bits;
    fixed |= field;
  };
  const auto put_register = [&](const RegisterField& field, uint8_t number) {
    if (field.mask == 0) return;
    possible = possible && field.holds(number);
    put(field.field(), field.write(number) & field.field());
  };
  put_register(row.rd, operands.rd);
  put_register(row.rs1, operands.rs1);
  put_register(row.rs2, operands.rs2);
  put_register(row.rs3, operands.rs3);
  if (row.immediate.count != 0) {
    const uint32_t bits = row.immediate.scatter(operands.imm);
    possible = possible && row.immediate.gather(bits) == operands.imm;
    put(row.immediate.field(), bits);
  }
  raw |= operands.other & ~(fixed | row.ignored) & (row.length == 2 ? 0xffffu : ~0u);
  Insn insn;
  return possible && decode(raw, insn) == &row ? std::optional(raw) : std::nullopt;
}

}  // namespace emu::riscv
