#include "emu/riscv/jit/builder.h"

namespace emu::riscv::jit {

void IrBuilder::end(void (*helper)(HartState&, const Insn&) noexcept) {
  if (!gave_up_) return;
  for (size_t i = first_node_; i < block_.nodes.size(); ++i) {
    emu::ir::Node& node = block_.nodes[i];
    if (node.op != Op::constant) node = {.insn = node.insn};
  }
  known_ = saved_;
  append({.op = Op::call, .imm = address(helper)});
  forget();
}

}  // namespace emu::riscv::jit
