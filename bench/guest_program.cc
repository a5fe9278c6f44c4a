#include "bench/guest_program.h"

#include "hv/base/check.h"

namespace bench {
namespace {

using emu::riscv::Op;
using emu::riscv::Operands;

uint32_t encoded(Op op, const Operands& operands) {
  const auto raw = emu::riscv::encode(emu::riscv::row_of(op), operands);
  CHECK(raw.has_value());
  return *raw;
}

}  // namespace

void GuestProgram::op(Op op, const Operands& operands) { append(encoded(op, operands), 4); }

void GuestProgram::short_op(Op op, const Operands& operands) {
  std::optional<uint32_t> raw;
  for (const emu::riscv::Row& row : emu::riscv::rows()) {
    if (row.op == op && row.is_compressed() && !raw) raw = emu::riscv::encode(row, operands);
  }
  CHECK(raw.has_value());
  append(*raw, 2);
}

void GuestProgram::append(uint32_t raw, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<uint8_t>(raw >> (8 * i)));
}

void GuestProgram::to(Place target, Op op, Operands operands) {
  operands.imm = target - here();
  this->op(op, operands);
}

GuestProgram::Place GuestProgram::forward() {
  const Place from = here();
  bytes_.resize(bytes_.size() + 4);
  return from;
}

void GuestProgram::land(Place from, Op op, Operands operands) {
  operands.imm = here() - from;
  const uint32_t raw = encoded(op, operands);
  for (size_t i = 0; i < 4; ++i) bytes_[static_cast<size_t>(from) + i] = static_cast<uint8_t>(raw >> (8 * i));
}

}  // namespace bench
