#include <fmt/format.h>

#include "emu/ir/ir.h"

namespace emu::ir {
namespace {

void print_node(fmt::appender out, const Block& block, size_t at) {
  const Node& node = block.nodes[at];
  const OpInfo& op = info(node.op);
  if (op.result != Result::none)
    fmt::format_to(out, "%{} = {}", at, op.name);
  else
    fmt::format_to(out, "{}", op.name);
  if (node.size != 0) fmt::format_to(out, ".{}{}", node.is_signed ? "s" : "", node.size);
  switch (node.op) {
    case Op::get_x:
    case Op::set_x:
      fmt::format_to(out, " x{}", node.reg);
      break;
    case Op::get_f:
    case Op::set_f:
      fmt::format_to(out, " f{}", node.reg);
      break;
    default:
      break;
  }
  const std::array<Ref, 3> operands = {node.a, node.b, node.c};
  for (size_t i = 0; i < op.operands; ++i) {
    const Ref operand = operands[i];
    if (operand < at && block[operand].op == Op::constant)
      fmt::format_to(out, " {:#x}", block[operand].imm);
    else
      fmt::format_to(out, " %{}", operand);
  }
  if (node.imm != 0) fmt::format_to(out, " [{:#x}]", node.imm);
  if (node.op == Op::branch) fmt::format_to(out, " else [{:#x}]", node.otherwise);
}

}  // namespace

std::string print(const Block& block) {
  fmt::memory_buffer text;
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    const Op op = block.nodes[i].op;
    if (op == Op::nothing || op == Op::constant) continue;
    fmt::format_to(fmt::appender(text), "{:3}  ", block.nodes[i].insn);
    print_node(fmt::appender(text), block, i);
    text.push_back('\n');
  }
  return fmt::to_string(text);
}

}  // namespace emu::ir
