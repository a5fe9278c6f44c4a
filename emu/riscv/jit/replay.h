#pragma once

#include <span>

#include "emu/riscv/jit/access_log.h"

namespace emu::riscv::jit {

/// Interprets the block `insns` on `state` up to the instruction `end`, with the answers of `log`; what differs from it
/// is `log.mismatch`. `state` has no hart and is used for nothing else.
void replay(HartState& state, std::span<const Insn> insns, size_t end, AccessLog& log) noexcept;

}  // namespace emu::riscv::jit
