#pragma once

#include <cstdint>

#include "emu/riscv/state.h"

namespace emu::riscv {

/// Asks for a look at the interrupts before the next block if one that mie enables is pending: for whoever changed mip,
/// mie, mideleg, mstatus or the privilege. The hart's thread.
void interrupts_changed(HartState& state) noexcept;

/// Enters the handler of the most urgent interrupt that is pending, enabled and allowed in the present mode, if there
/// is one.
void take_interrupt(HartState& state) noexcept;

/// Enters a trap handler: exception or interrupt number `code`, from `state.pc`. RISC-V Privileged §3.1.6.1, §3.1.8.
void enter_trap(HartState& state, uint64_t code, bool is_interrupt, uint64_t tval) noexcept;

}  // namespace emu::riscv
