#include "emu/riscv/jit/one_insn.h"

#include "emu/riscv/interp/builder.h"
#include "emu/riscv/isa/table.h"
#include "emu/riscv/sem/all.h"

namespace emu::riscv::jit {
namespace {

template <Flow flow>
struct OneInsn {
#define INSN(op, extension, flow_, pattern, text)               \
  static void op(HartState& state, const Insn& insn) noexcept { \
    interp::InterpBuilder builder(state, insn);                 \
    if constexpr (flow == Flow::next) sem::op(builder, insn);   \
  }
#include "emu/riscv/isa/all.def"
};

}  // namespace

constexpr std::array<void (*)(HartState&, const Insn&) noexcept, kOps> kOneInsn = {
#define INSN(op, extension, flow, pattern, text) Flow::flow == Flow::next ? OneInsn<Flow::flow>::op : nullptr,
#include "emu/riscv/isa/all.def"
};

}  // namespace emu::riscv::jit
