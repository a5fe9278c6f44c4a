#include "emu/riscv/interp/handlers.h"

#include "emu/interp/dispatch.h"
#include "emu/riscv/interp/builder.h"
#include "emu/riscv/sem/all.h"

namespace emu::riscv::interp {
namespace {

#define INSN(op, extension, flow, pattern, text)                                  \
  [[gnu::flatten]] const Insn* run_##op(void* state, const Insn* insn) noexcept { \
    InterpBuilder builder(*static_cast<HartState*>(state), *insn);                \
    sem::op(builder, *insn);                                                      \
    const Insn* const next = builder.finish();                                    \
    VIREO_DISPATCH(state, next);                                                  \
  }
#include "emu/riscv/isa/all.def"

}  // namespace

constexpr std::array<Handler, kOps> kHandlers = {
#define INSN(op, extension, flow, pattern, text) run_##op,
#include "emu/riscv/isa/all.def"
};

const Insn* illegal(void* opaque, const Insn* insn) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  state.pc = state.pc_of(insn->pc_offset);
  raise_illegal(state, *insn);
  const Insn* const next = after_trap(state, *insn);
  VIREO_DISPATCH(opaque, next);
}

const Insn* continuation(void* opaque, const Insn* insn) noexcept {
  auto& state = *static_cast<HartState*>(opaque);
  state.retired += insn->index;
  const Insn* next = follow_link(state, 0);
  if (next == nullptr) {
    state.pc = state.pc_of(insn->pc_offset);
    next = enter_linked(state, 0);
  }
  VIREO_DISPATCH(opaque, next);
}

const Insn* leave(void*, const Insn*) noexcept { return nullptr; }

}  // namespace emu::riscv::interp
