#pragma once

#include <array>

#include "emu/riscv/helpers.h"
#include "emu/riscv/isa/op.h"

namespace emu::riscv::jit {

/// By Op: carries out that one instruction as the interpreter does. nullptr for those that leave their block.
extern const std::array<void (*)(HartState&, const Insn&) noexcept, kOps> kOneInsn;

}  // namespace emu::riscv::jit
