#pragma once

#include <cstddef>
#include <functional>
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

/// Where the page of code that follows in the guest's address space lies, ready to be read as code; nullptr if that is
/// not known.
using NextPage = std::function<const std::byte*()>;

/// Decodes the code at `host` to the end of its block and makes IR of it. `next_page` is asked if the block reaches an
/// instruction that goes over the page's end. No block if that is its first one and the next page is not known.
Translation translate(const std::byte* host, Mode mode, const NextPage& next_page);

/// Whether `op` becomes IR of its own; else translated code calls the interpreter's function for it.
bool has_ir(Op op);

}  // namespace emu::riscv::jit
