#pragma once

#include <cstdint>

namespace emu {

struct Insn;

/// A handler runs one instruction on the vCPU state of its guest and goes on to the next; see emu/interp/dispatch.h.
using Handler = const Insn* (*)(void* state, const Insn* insn) noexcept;

/// One decoded instruction: what the interpreter executes and what the JIT reads. Register fields are the guest's
/// numbers, except that a destination that discards its value is the guest's sink register. 24 bytes, so that blocks
/// stay small.
struct Insn {
  Handler handler = nullptr;
  int32_t imm = 0;
  uint32_t raw = 0;  ///< the encoding; 16-bit ones in the low half
  uint8_t rd = 0;
  uint8_t rs1 = 0;
  uint8_t rs2 = 0;
  uint8_t rs3 = 0;
  uint16_t pc_offset = 0;  ///< of this instruction within its page, bytes
  uint8_t index = 0;       ///< instructions before this one in its block
  uint8_t length = 0;      ///< bytes
};
static_assert(sizeof(Insn) == 24);

}  // namespace emu
