#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emu/ir/ir.h"
#include "emu/jit/engine.h"
#include "emu/jit/visitors.h"
#include "emu/riscv/jit/access_log.h"
#include "emu/riscv/jit/mode.h"
#include "emu/riscv/jit/replay.h"
#include "emu/riscv/jit/translate.h"

namespace emu::riscv::jit {

/// Runs every block twice: translated, with all that it asks of memory, devices and helpers noted, and then in the
/// interpreter on a copy of the registers, with the same answers. The first difference ends the run. Devices see each
/// access once; what a helper carries out for both engines is carried out once. For an engine that was made with
/// `recording_layout`. Owned by the hart, used by its thread.
class Lockstep {
 public:
  Lockstep(HartState& state, emu::jit::Engine& engine);
  ~Lockstep();

  /// Like interp::Interpreter::run; also returns at a difference.
  void run() noexcept;

  /// Asked by the interpreter before each block.
  bool takes_over() noexcept;

  /// What differed on this thread, with both states and the block; empty if nothing did. Forgets it.
  static std::string take_difference();

  /// For tests of this class: changes the IR of each block before host code is made of it.
  static std::function<void(emu::ir::Block&)> tamper;

 private:
  const std::byte* fetch() noexcept;
  /// A block that was found before, and how it is replayed.
  struct Known {
    const std::byte* host = nullptr;
    unsigned mode = 0;
    uint64_t generation = 0;
    const emu::jit::Block* block = nullptr;
    std::vector<ReplayStep> steps;
  };

  void enter_code() noexcept;
  const Known* block_at(const std::byte* host) noexcept;
  const emu::jit::Block* translated(const std::byte* host, unsigned mode) noexcept;
  Translation translate(const std::byte* host) noexcept;
  void run_block(const Known& known) noexcept;
  /// `copy_` is as the block found it.
  void compare(const Known& known, size_t end) noexcept;
  void interpret() noexcept;

  HartState& state_;
  emu::jit::Engine& engine_;
  emu::jit::Visitors::Visitor visitor_;
  std::unique_ptr<HartState> copy_;
  AccessLog log_;
  std::vector<Known> known_;
  uint64_t generation_ = 1;  ///< what `known_` has of older ones may be gone
  bool interprets_next_ = false;
  std::string difference_;
};

}  // namespace emu::riscv::jit
