#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/isa/insn.h"

/// The intermediate representation between a guest's instructions and the host's: one straight line of nodes in the
/// order of the guest's instructions. It knows no guest and no host.
namespace emu::ir {

enum class Op : uint8_t {
#define IR_OP(name, result, operands, effect) name,
#include "emu/ir/ops.def"
};
inline constexpr Op kAllOps[] = {
#define IR_OP(name, result, operands, effect) Op::name,
#include "emu/ir/ops.def"
};
inline constexpr size_t kOps = std::size(kAllOps);

enum class Result : uint8_t { none, integer, floating };
enum class Effect : uint8_t { pure, reads, writes, access, leaves };

struct OpInfo {
  std::string_view name;
  Result result;
  uint8_t operands;
  Effect effect;
};
const OpInfo& info(Op op) noexcept;

/// Names the node that makes a value.
using Ref = uint16_t;
inline constexpr Ref kNone = 0xffff;

struct Node {
  Op op = Op::nothing;
  uint8_t size = 0;        ///< bytes of a memory access or of a floating-point format
  bool is_signed = false;  ///< of a load or a conversion to an integer
  uint8_t reg = 0;         ///< guest register, or a rounding direction
  uint8_t insn = 0;        ///< index of the guest's instruction in its block
  Ref a = kNone;
  Ref b = kNone;
  Ref c = kNone;
  int32_t otherwise = 0;
  int64_t imm = 0;
};
static_assert(sizeof(Node) == 24);

/// One guest block. The last node, and only it, leaves the block.
struct Block {
  std::vector<Node> nodes;
  std::span<const Insn> insns;
  bool in_user_mode = false;  ///< its accesses are those of user mode

  const Node& operator[](Ref ref) const { return nodes[ref]; }
};

/// One line per node, for people: "%7 = add %3, %6".
std::string print(const Block& block);

/// What is wrong with a block, or an empty string: operands that come later or make no value, a node behind the one
/// that leaves, a size that no access has.
std::string verify(const Block& block);

// Passes, emu/ir/passes.cc. Each is linear in the length of the block and puts `nothing` in the place of what it drops.

/// Drops writes to registers that are written again before anybody could see them.
void drop_dead_writes(Block& block);
/// Drops pure operations whose value nobody uses.
void drop_dead_values(Block& block);
/// Uses what was extended from 32 bits as it was where that is the same, or no more than those bits matter;
/// emu/ir/extensions.cc.
void drop_extensions(Block& block);
/// Lets accesses off one value share a check; emu/ir/share_checks.cc. The last pass: it adds nodes.
void share_checks(Block& block);

}  // namespace emu::ir
