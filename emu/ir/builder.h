#pragma once

#include <cstdint>
#include <unordered_map>

#include "emu/ir/ir.h"

namespace emu::ir {

/// Appends nodes to a block, one guest instruction after the other. Operations on constants are evaluated, and those
/// that change nothing (adding 0) give their operand.
///
/// Has an operation of the same name for each that emu/interp/ops.h has.
class Builder {
 public:
  using Value = Ref;

  explicit Builder(Block& block) : block_(block) {}

  /// The nodes that follow are of this instruction.
  void begin_insn(uint8_t index) { insn_ = index; }

  Value imm(int32_t value) { return constant(static_cast<uint64_t>(static_cast<int64_t>(value))); }
  Value constant(uint64_t value);

#define IR_UNARY(name) \
  Value name(Value a) { return unary(Op::name, a); }
#define IR_BINARY(name) \
  Value name(Value a, Value b) { return binary(Op::name, a, b); }
#define IR_OP(name, result, operands, effect)
#include "emu/ir/ops.def"

  Value select(Value condition, Value a, Value b);

  /// Appends a node as it is.
  Value append(Node node);

  const Node& node(Value value) const { return block_.nodes[value]; }
  bool is_constant(Value value) const { return node(value).op == Op::constant; }
  uint64_t constant_of(Value value) const { return static_cast<uint64_t>(node(value).imm); }

 private:
  Value unary(Op op, Value a);
  Value binary(Op op, Value a, Value b);
  /// What `a op constant` or `constant op a` gives if that is one of the operands or a constant; else kNone.
  Value simplify(Op op, Value a, Value b);
  /// `a` shifted right by as many bits as it was shifted left before: an extension, or kNone.
  Value extension(Op op, Value a, uint64_t amount);

  Block& block_;
  uint8_t insn_ = 0;
  std::unordered_map<uint64_t, Ref> constants_;
};

}  // namespace emu::ir
