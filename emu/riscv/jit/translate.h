#pragma once

#include <cstddef>
#include <memory>

#include "emu/ir/ir.h"
#include "emu/jit/block.h"
#include "emu/riscv/isa/op.h"
#include "emu/riscv/jit/mode.h"

namespace emu::riscv::jit {

struct Translation {
  std::unique_ptr<emu::jit::Block> block;
  emu::ir::Block ir;
};

/// Decodes the code at `host` to the end of its block and makes IR of it. No block if its first instruction ends in
/// another page.
Translation translate(const std::byte* host, Mode mode);

/// Whether `op` becomes IR of its own; else translated code calls the interpreter's function for it.
bool has_ir(Op op);

}  // namespace emu::riscv::jit
