#pragma once

#include <cstdint>

#include "emu/jit/engine.h"
#include "emu/riscv/jit/mode.h"
#include "emu/riscv/jit/translate.h"
#include "tests/unit/emu/riscv/board.h"

/// Single blocks of translated code, entered without the rest of a hart's loop. For boards that have the JIT.
namespace emu::riscv::test {

/// The entry point of the block for the code at the physical address `code` in the present mode.
inline const std::byte* translated(Board& board, uint64_t code) {
  const std::byte* const host = board.memory->host_pointer({code}, 4);
  const jit::Mode mode = jit::Mode::of(board.state());
  emu::jit::Engine& engine = *board.group->jit();
  if (const std::byte* const known = engine.find(host, mode.number()); known != nullptr) return known;
  jit::Translation made = jit::translate(host, mode, [] { return nullptr; });
  EXPECT_TRUE(engine.add(made.ir, std::move(made.block)));
  return engine.find(host, mode.number());
}

struct Operand {
  uint64_t address = 0;  ///< in s0
  uint64_t value = 0;    ///< in a0, where a load leaves what it found
};

/// Puts a load, and eight bytes behind it a store, each with an instruction that leaves translated code.
inline void put_accesses(Board& board, uint64_t code) {
  board.put(code, {insn(Op::ld, {.rd = 10, .rs1 = 8}), insn(Op::ecall, {}), insn(Op::sd, {.rs1 = 8, .rs2 = 10}),
                   insn(Op::ecall, {})});
}

/// Runs the block at `code` to its last instruction. False: it ended in an exception, which the hart has taken.
inline bool run_translated(Board& board, uint64_t code, Operand operand) {
  HartState& state = board.state();
  state.trapped = false;
  state.x[8] = operand.address;
  state.x[10] = operand.value;
  return board.group->jit()->thunks().enter(&state, translated(board, code)) != nullptr;
}

}  // namespace emu::riscv::test
