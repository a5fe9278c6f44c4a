#include <array>
#include <vector>

#include "emu/ir/ir.h"

/// RV64 and ARM64 extend the result of each operation on words; most extensions change nothing, or nothing that
/// matters.
namespace emu::ir {
namespace {

/// What is known of a value's upper half.
struct Upper {
  bool is_sign = false;  ///< bits 63:32 are copies of bit 31
  bool is_zero = false;  ///< bits 63:32 are 0
};
constexpr Upper kSmall{.is_sign = true, .is_zero = true};  // less than 2^31

Upper upper_of_load(const Node& node) {
  if (node.size < 4) return {.is_sign = true, .is_zero = !node.is_signed};
  return {.is_sign = node.size == 4 && node.is_signed, .is_zero = node.size == 4 && !node.is_signed};
}

Upper upper_of_constant(int64_t value) {
  return {.is_sign = value == static_cast<int32_t>(value), .is_zero = value == static_cast<uint32_t>(value)};
}

/// Of a node whose operands' upper halves are known as `upper` says.
Upper upper_of(const Block& block, const Node& node, const std::vector<Upper>& upper) {
  const auto is_constant = [&](Ref value) { return block[value].op == Op::constant; };
  switch (node.op) {
    case Op::constant:
      return upper_of_constant(node.imm);
    case Op::load:
    case Op::load_near:
      return upper_of_load(node);
    case Op::read_modify_write:
    case Op::compare_and_swap:
    case Op::load_reserved:
      return {.is_sign = node.size <= 4};
    case Op::sext8:
    case Op::sext16:
    case Op::sext32:
      return {.is_sign = true};
    case Op::zext32:
    case Op::shift_left32:
    case Op::shift_right_signed32:
    case Op::rotate_left32:
    case Op::rotate_right32:
    case Op::divide32:
    case Op::remainder32:
    case Op::divide_unsigned32:
    case Op::remainder_unsigned32:
      return {.is_zero = true};
    case Op::shift_right32:
      return {.is_sign = is_constant(node.b) && (block[node.b].imm & 31) != 0, .is_zero = true};
    case Op::shift_right:
      if (is_constant(node.b) && (block[node.b].imm & 63) > 32) return kSmall;
      return {.is_zero = upper[node.a].is_zero};
    case Op::shift_right_signed:
      return upper[node.a];
    case Op::zext16:
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_unsigned:
    case Op::greater_equal:
    case Op::greater_equal_unsigned:
    case Op::leading_zeros:
    case Op::trailing_zeros:
    case Op::popcount:
    case Op::store_conditional:
      return kSmall;
    case Op::bit_and: {
      const Upper a = upper[node.a];
      const Upper b = upper[node.b];
      if ((a.is_sign && a.is_zero) || (b.is_sign && b.is_zero)) return kSmall;
      return {.is_sign = a.is_sign && b.is_sign, .is_zero = a.is_zero || b.is_zero};
    }
    case Op::bit_or:
    case Op::bit_xor:
      return {.is_sign = upper[node.a].is_sign && upper[node.b].is_sign,
              .is_zero = upper[node.a].is_zero && upper[node.b].is_zero};
    case Op::select:
      return {.is_sign = upper[node.b].is_sign && upper[node.c].is_sign,
              .is_zero = upper[node.b].is_zero && upper[node.c].is_zero};
    case Op::bit_not:
      return {.is_sign = upper[node.a].is_sign};
    default:
      return {};
  }
}

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

void use_operands_of(Node& node, const std::vector<Ref>& same) {
  const std::array<Ref*, 3> operands = {&node.a, &node.b, &node.c};
  for (size_t k = 0; k < info(node.op).operands; ++k) *operands[k] = same[*operands[k]];
}

/// Those of values that are extended already.
void drop_repeated(Block& block) {
  std::vector<Upper> upper(block.nodes.size());
  std::vector<Ref> same(block.nodes.size());
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    Node& node = block.nodes[i];
    use_operands_of(node, same);
    const bool changes_nothing =
        (node.op == Op::sext32 && upper[node.a].is_sign) || (node.op == Op::zext32 && upper[node.a].is_zero);
    same[i] = changes_nothing ? node.a : static_cast<Ref>(i);
    upper[i] = changes_nothing ? upper[node.a] : upper_of(block, node, upper);
  }
}

/// Those whose result is used for its lower half only.
void drop_unseen(Block& block) {
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
    use_operands_of(node, same);
    const bool extends = node.op == Op::sext32 || node.op == Op::zext32;
    same[i] = extends && !high_matters[i] ? node.a : static_cast<Ref>(i);
  }
}

}  // namespace

void drop_extensions(Block& block) {
  drop_repeated(block);
  drop_unseen(block);
}

}  // namespace emu::ir
