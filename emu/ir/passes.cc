#include <array>
#include <bitset>

#include "emu/ir/ir.h"

namespace emu::ir {

void drop_dead_writes(Block& block) {
  std::bitset<256> x_written;
  std::bitset<256> f_written;
  for (size_t i = block.nodes.size(); i-- > 0;) {
    Node& node = block.nodes[i];
    if (node.op == Op::set_x || node.op == Op::set_f) {
      std::bitset<256>& written = node.op == Op::set_x ? x_written : f_written;
      if (written[node.reg])
        node = Node{.insn = node.insn};
      else
        written[node.reg] = true;
    } else if (node.op == Op::get_x) {
      x_written[node.reg] = false;
    } else if (node.op == Op::get_f) {
      f_written[node.reg] = false;
    } else if (const Effect effect = info(node.op).effect; effect == Effect::access || effect == Effect::leaves) {
      x_written.reset();
      f_written.reset();
    }
  }
}

void drop_dead_values(Block& block) {
  std::vector<bool> used(block.nodes.size());
  for (size_t i = block.nodes.size(); i-- > 0;) {
    Node& node = block.nodes[i];
    const OpInfo& op = info(node.op);
    const bool is_kept = used[i] || op.result == Result::none || op.effect == Effect::access;
    // A floating-point operation is kept for the flags that it may raise.
    const bool raises_flags = op.effect == Effect::reads && op.operands > 0;
    if (!is_kept && !raises_flags) {
      node = Node{.insn = node.insn};
      continue;
    }
    const std::array<Ref, 3> operands = {node.a, node.b, node.c};
    for (size_t k = 0; k < op.operands; ++k) used[operands[k]] = true;
  }
}

namespace {

/// Whether bits 63:32 of operand `which` matter, if those of the result do or do not.
bool needs_high_bits(const Node& node, size_t which, bool result_does) {
  switch (node.op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::bit_and:
    case Op::bit_or:
    case Op::bit_xor:
    case Op::bit_not:
      return result_does;
    case Op::shift_left:
      return which == 0 && result_does;
    case Op::shift_right:
    case Op::shift_right_signed:
      return which == 0;
    case Op::sext8:
    case Op::sext16:
    case Op::sext32:
    case Op::zext16:
    case Op::zext32:
    case Op::rotate_left32:
    case Op::rotate_right32:
      return false;
    case Op::store:
      return which == 0 || node.size == 8;
    default:
      return true;
  }
}

}  // namespace

void drop_extensions(Block& block) {
  std::vector<bool> high_matters(block.nodes.size());
  for (size_t i = block.nodes.size(); i-- > 0;) {
    const Node& node = block.nodes[i];
    const std::array<Ref, 3> operands = {node.a, node.b, node.c};
    for (size_t k = 0; k < info(node.op).operands; ++k) {
      if (needs_high_bits(node, k, high_matters[i])) high_matters[operands[k]] = true;
    }
  }
  std::vector<Ref> same(block.nodes.size());
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    Node& node = block.nodes[i];
    const std::array<Ref*, 3> operands = {&node.a, &node.b, &node.c};
    for (size_t k = 0; k < info(node.op).operands; ++k) *operands[k] = same[*operands[k]];
    const bool extends = node.op == Op::sext32 || node.op == Op::zext32;
    same[i] = extends && !high_matters[i] ? node.a : static_cast<Ref>(i);
  }
}

}  // namespace emu::ir
