#include "emu/ir/builder.h"

#include <utility>

#include "emu/interp/ops.h"

namespace emu::ir {
namespace {

using interp::Ops;

uint64_t evaluate(Op op, uint64_t a) {
  switch (op) {
#define IR_UNARY(name) \
  case Op::name:       \
    return Ops::name(a);
#define IR_BINARY(name)
#define IR_OP(name, result, operands, effect)
#include "emu/ir/ops.def"
    default:
      return 0;
  }
}

uint64_t evaluate(Op op, uint64_t a, uint64_t b) {
  switch (op) {
#define IR_UNARY(name)
#define IR_BINARY(name) \
  case Op::name:        \
    return Ops::name(a, b);
#define IR_OP(name, result, operands, effect)
#include "emu/ir/ops.def"
    default:
      return 0;
  }
}

bool is_commutative(Op op) {
  return op == Op::add || op == Op::bit_and || op == Op::bit_or || op == Op::bit_xor || op == Op::mul ||
         op == Op::equal || op == Op::not_equal;
}

}  // namespace

Builder::Value Builder::append(Node node) {
  node.insn = insn_;
  block_.nodes.push_back(node);
  return static_cast<Value>(block_.nodes.size() - 1);
}

Builder::Value Builder::constant(uint64_t value) {
  const auto [at, is_new] = constants_.try_emplace(value, kNone);
  if (is_new) at->second = append({.op = Op::constant, .imm = static_cast<int64_t>(value)});
  return at->second;
}

Builder::Value Builder::unary(Op op, Value a) {
  if (is_constant(a)) return constant(evaluate(op, constant_of(a)));
  const Op inner = node(a).op;
  if (op == Op::bit_not && inner == Op::bit_not) return node(a).a;
  const bool is_word = inner == Op::load && node(a).size == 4;
  if (op == Op::sext32 && (inner == Op::sext32 || (is_word && node(a).is_signed))) return a;
  if (op == Op::zext32 && (inner == Op::zext32 || (is_word && !node(a).is_signed))) return a;
  return append({.op = op, .a = a});
}

Builder::Value Builder::binary(Op op, Value a, Value b) {
  if (is_constant(a) && is_constant(b)) return constant(evaluate(op, constant_of(a), constant_of(b)));
  if (is_commutative(op) && is_constant(a)) std::swap(a, b);
  if (const Value same = simplify(op, a, b); same != kNone) return same;
  return append({.op = op, .a = a, .b = b});
}

Builder::Value Builder::simplify(Op op, Value a, Value b) {
  if (a == b) {
    if (op == Op::bit_xor || op == Op::sub) return constant(0);
    if (op == Op::bit_and || op == Op::bit_or) return a;
  }
  // (x & m) | (x & ~m), as copying a sign from a register to itself has it.
  if (op == Op::bit_or && node(a).op == Op::bit_and && node(b).op == Op::bit_and && node(a).a == node(b).a &&
      is_constant(node(a).b) && is_constant(node(b).b) &&
      (constant_of(node(a).b) | constant_of(node(b).b)) == ~uint64_t{0}) {
    return node(a).a;
  }
  if (op == Op::less_unsigned && is_constant(a) && constant_of(a) == 0) return binary(Op::not_equal, b, a);
  if (!is_constant(b)) return kNone;
  const uint64_t right = constant_of(b);
  if (op == Op::less_unsigned && right == 1) return binary(Op::equal, a, constant(0));
  if (op == Op::bit_xor && right == ~uint64_t{0}) return unary(Op::bit_not, a);
  if (op == Op::bit_and && right == 0xffff) return unary(Op::zext16, a);
  if (const Value extended = extension(op, a, right); extended != kNone) return extended;
  if (op == Op::bit_and && right == 0) return b;
  if (op == Op::bit_and && right == ~uint64_t{0}) return a;
  const bool has_neutral_zero = op == Op::add || op == Op::sub || op == Op::bit_or || op == Op::bit_xor ||
                                op == Op::shift_left || op == Op::shift_right || op == Op::shift_right_signed ||
                                op == Op::rotate_left || op == Op::rotate_right;
  return has_neutral_zero && right == 0 ? a : kNone;
}

Builder::Value Builder::extension(Op op, Value a, uint64_t amount) {
  const Node inner = node(a);
  const bool is_pair = inner.op == Op::shift_left && is_constant(inner.b) && (constant_of(inner.b) & 63) == amount;
  if (!is_pair || (op != Op::shift_right && op != Op::shift_right_signed)) return kNone;
  const bool is_signed = op == Op::shift_right_signed;
  switch (amount) {
    case 32:
      return unary(is_signed ? Op::sext32 : Op::zext32, inner.a);
    case 48:
      return unary(is_signed ? Op::sext16 : Op::zext16, inner.a);
    case 56:
      return is_signed ? unary(Op::sext8, inner.a) : binary(Op::bit_and, inner.a, constant(0xff));
    default:
      return kNone;
  }
}

Builder::Value Builder::select(Value condition, Value a, Value b) {
  if (is_constant(condition)) return constant_of(condition) != 0 ? a : b;
  if (a == b) return a;
  return append({.op = Op::select, .a = condition, .b = a, .c = b});
}

}  // namespace emu::ir
