#pragma once

#include "emu/riscv/helpers.h"

namespace emu::riscv::jit {

using Helper = void (*)(HartState&, const Insn&) noexcept;

/// If `helper` is a CSR instruction and what `insn` does with its register has no effect but on that register and rd:
/// what carries it out within a block. Else nullptr.
Helper csr_access_in_block(Helper helper, const Insn& insn) noexcept;

}  // namespace emu::riscv::jit
