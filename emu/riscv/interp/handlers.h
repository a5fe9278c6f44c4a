#pragma once

#include <array>

#include "emu/isa/insn.h"
#include "emu/riscv/isa/op.h"

namespace emu::riscv::interp {

/// By Op. Each is the instantiation of the operation's semantics for the interpreter.
extern const std::array<Handler, kOps> kHandlers;

// Handlers that stand for no instruction.

/// Raises an illegal instruction exception.
const Insn* illegal(void* state, const Insn* insn) noexcept;
/// Ends a block that is not ended by its last instruction: goes on at `pc_offset`. `index` counts those before it.
const Insn* continuation(void* state, const Insn* insn) noexcept;
/// Ends the run.
const Insn* leave(void* state, const Insn* insn) noexcept;

}  // namespace emu::riscv::interp
