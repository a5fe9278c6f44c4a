#include "tests/insn/guest_code.h"

#include <algorithm>

#include <fmt/format.h>

namespace tests::insn {
namespace {

using emu::riscv::RegisterClass;

std::string load_value(const Value& value, unsigned reg, bool is_float) {
  const std::string target = is_float ? "t0" : fmt::format("x{}", reg);
  std::string code;
  if (value.base == Value::Base::number) code = fmt::format("li {}, {:#x}\n", target, value.offset);
  if (value.base == Value::Base::memory) code = fmt::format("li t1, {:#x}\nadd {}, s1, t1\n", value.offset, target);
  if (value.base == Value::Base::pc)
    code = fmt::format("la t2, 1f\nli t1, {:#x}\nadd {}, t2, t1\n", value.offset, target);
  return code + (is_float ? fmt::format("fmv.d.x f{}, t0\n", reg) : "");
}

}  // namespace

bool needs_no_csr(const InsnRow& row) {
  constexpr uint16_t kFcsr = 3;
  const auto is_fcsr = [](const CsrValue& csr) { return csr.number == kFcsr; };
  return !row.trap && std::ranges::all_of(row.csrs_before, is_fcsr) && std::ranges::all_of(row.csrs_after, is_fcsr);
}

std::string code_of(const InsnRow& row) {
  std::string code;
  for (size_t i = 0; i < row.memory.size(); ++i)
    code += fmt::format("li t0, {:#x}\nsd t0, {}(s1)\n", row.memory[i], 8 * i);
  uint64_t fcsr = uint64_t{row.frm} << 5;
  for (const CsrValue& csr : row.csrs_before) fcsr = csr.value;
  code += fmt::format("li t0, {}\nfscsr t0\n", fcsr);
  const auto load = [&](RegisterClass kind, const Value& value, unsigned reg) {
    if (kind != RegisterClass::none && (reg != 0 || kind == RegisterClass::floating_point)) {
      code += load_value(value, reg, kind == RegisterClass::floating_point);
    }
  };
  load(row.row->rd_class, {Value::Base::number, row.rd_before}, row.operands.rd);
  if (row.rd_high_before != 0) code += fmt::format("li x{}, {:#x}\n", row.operands.rd + 1, row.rd_high_before);
  load(row.row->rs1_class, row.rs1, row.operands.rs1);
  load(row.row->rs2_class, row.rs2, row.operands.rs2);
  if (row.rs2_high != 0) code += fmt::format("li x{}, {:#x}\n", row.operands.rs2 + 1, row.rs2_high);
  load(row.row->rs3_class, row.rs3, row.operands.rs3);
  if (row.is_reserved)
    code += fmt::format("lr.{} t0, (x{})\n", row.row->op == emu::riscv::Op::sc_w ? "w" : "d", row.operands.rs1);
  const bool is_short = row.row->is_compressed();
  code += is_short ? fmt::format("1: .2byte {:#x}\n", row.raw) : fmt::format("1: .4byte {:#x}\n", row.raw);
  return code + "li s3, 1\nj 2f\n.org 1b + 16, 0\nli s3, 2\n2:\n";
}

}  // namespace tests::insn
