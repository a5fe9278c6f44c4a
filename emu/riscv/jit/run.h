#pragma once

#include <memory>

#include "emu/jit/engine.h"
#include "emu/jit/visitors.h"
#include "emu/mmu/mirror.h"
#include "emu/riscv/jit/mode.h"
#include "emu/riscv/state.h"

namespace emu::interp {
struct Block;
}

namespace emu::riscv {
struct EngineConfig;
}

namespace emu::riscv::jit {

class Lockstep;

/// Runs a hart's instructions: cold ones by the interpreter, those that repeat by generated code. Owned by the hart,
/// used by its thread; the engine is shared by the harts.
class Runner {
 public:
  /// `config` says when a block is translated, and whether it is compared with the interpreter.
  Runner(HartState& state, emu::jit::Engine& engine, const EngineConfig& config);
  ~Runner();

  /// Like interp::Interpreter::run.
  void run() noexcept;

  /// Asked by the interpreter before it enters `block`, whose code lies at `host`: whether generated code takes over.
  bool takes_over(const std::byte* host, emu::interp::Block& block) noexcept;

 private:
  /// Leaves the address of the code at the state's pc, or nullptr after an exception.
  const std::byte* fetch() noexcept;
  void interpret() noexcept;
  void leave_by(const emu::jit::Exit& exit) noexcept;
  bool translate(const std::byte* host) noexcept;
  /// The page of code that follows the present one; nullptr if the TLB does not have it.
  const std::byte* next_page() noexcept;
  /// Lets generated code look jumps up where those of `mode` are. Returns where by guest address.
  mmu::JumpCache& use_caches(Mode mode) noexcept;
  /// The entry point of the code at `host`, which is the state's pc, or nullptr. Links the exit `from` to it.
  const std::byte* find(const std::byte* host, const emu::jit::Exit* from) noexcept;

  HartState& state_;
  emu::jit::Engine& engine_;
  const uint16_t hot_after_;
  bool interprets_next_ = false;  ///< the next block, whatever was translated
  mmu::Mirror mirror_;
  emu::jit::Visitors::Visitor visitor_;
  std::unique_ptr<Lockstep> lockstep_;         ///< nullptr: translations are not compared
  const emu::jit::Exit* link_from_ = nullptr;  ///< the exit that led here, if it can be linked
};

}  // namespace emu::riscv::jit
