#include <array>
#include <bit>

#include <fmt/format.h>

#include "emu/ir/ir.h"

namespace emu::ir {
namespace {

bool is_memory_access(Op op) {
  return op == Op::load || op == Op::store || op == Op::load_near || op == Op::store_near ||
         op == Op::read_modify_write || op == Op::compare_and_swap || op == Op::load_reserved ||
         op == Op::store_conditional;
}

}  // namespace

std::string verify(const Block& block) {
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    const Node& node = block.nodes[i];
    const OpInfo& op = info(node.op);
    const std::array<Ref, 3> operands = {node.a, node.b, node.c};
    for (size_t k = 0; k < op.operands; ++k) {
      if (operands[k] >= i) return fmt::format("node {}: operand {} comes later", i, k);
      if (info(block[operands[k]].op).result == Result::none)
        return fmt::format("node {}: operand {} is no value", i, k);
    }
    if (is_memory_access(node.op) && (node.size > 8 || !std::has_single_bit(node.size)))
      return fmt::format("node {}: an access of {} bytes", i, node.size);
    const bool is_last = i + 1 == block.nodes.size();
    if ((op.effect == Effect::leaves) != is_last) return fmt::format("node {}: the last node alone leaves", i);
  }
  return block.nodes.empty() ? "no node" : "";
}

}  // namespace emu::ir
