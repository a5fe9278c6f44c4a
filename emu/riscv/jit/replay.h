#pragma once

#include <span>
#include <vector>

#include "emu/riscv/jit/access_log.h"

namespace emu::riscv::jit {

/// Interprets an instruction with the answers of a log. Whether the block goes on with the one that follows.
using ReplayStep = bool (*)(HartState&, const Insn&, AccessLog&);

/// The steps for the instructions of a block.
std::vector<ReplayStep> replay_steps(std::span<const Insn> insns);

/// Interprets the block `insns`, whose steps are `steps`, on `state` up to the instruction `end`, with the answers of
/// `log`; what differs from it is `log.mismatch`. `state` has no hart and is used for nothing else.
void replay(HartState& state, std::span<const Insn> insns, std::span<const ReplayStep> steps, size_t end,
            AccessLog& log) noexcept;

}  // namespace emu::riscv::jit
