#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace emu::riscv {

/// Every operation, named after its mnemonic with '_' for '.'; C++ keywords end in '_'. Compressed encodings have none
/// of their own: they decode into their base instruction's.
enum class Op : uint16_t {
#define INSN(op, extension, flow, pattern, text) op,
#include "emu/riscv/isa/all.def"
};

/// All of them, in order.
inline constexpr Op kAllOps[] = {
#define INSN(op, extension, flow, pattern, text) Op::op,
#include "emu/riscv/isa/all.def"
};
inline constexpr size_t kOps = std::size(kAllOps);

}  // namespace emu::riscv
