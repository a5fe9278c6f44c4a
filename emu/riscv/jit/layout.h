#pragma once

#include "emu/jit/layout.h"

namespace emu::riscv::jit {

/// A hart's state as generated code sees it.
emu::jit::Layout layout() noexcept;

}  // namespace emu::riscv::jit
