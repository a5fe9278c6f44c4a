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

}  // namespace emu::ir
