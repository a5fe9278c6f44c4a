#include "emu/ir/ir.h"

#include <array>

namespace emu::ir {
namespace {

constexpr std::array<OpInfo, kOps> kInfo = {{
#define IR_OP(name, result, operands, effect) OpInfo{#name, Result::result, operands, Effect::effect},
#include "emu/ir/ops.def"
}};

}  // namespace

const OpInfo& info(Op op) noexcept { return kInfo[static_cast<size_t>(op)]; }

}  // namespace emu::ir
