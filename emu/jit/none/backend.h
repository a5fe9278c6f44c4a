#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "emu/ir/ir.h"
#include "emu/jit/arena.h"
#include "emu/jit/block.h"
#include "emu/jit/layout.h"

/// The back end of hosts without one. Engine::create fails there, so nothing but `processor_obstacle` is ever called.
namespace emu::jit::none {

inline const char* processor_obstacle() noexcept {
  return "this version of vireo translates code on x86-64 hosts only; guests run on the interpreter here";
}

struct Thunks {
  using Enter = const Exit* (*)(void* state, const std::byte* entry) noexcept;
  Enter enter = nullptr;
  const std::byte* no_block = nullptr;
};
inline Thunks make_thunks(Arena&, const Layout&) { return {}; }

class CodeBuffer {
 public:
  void begin(uint64_t) {}
  int assembler() noexcept { return 0; }
  size_t finish(std::byte*) { return 0; }
};

class Emitter {
 public:
  static constexpr size_t kPrefix = 16;
  Emitter(int, const Layout&, const Thunks&) {}
  void emit(const ir::Block&, Block&) {}
};

inline std::string disassemble(std::span<const std::byte>) { return {}; }

}  // namespace emu::jit::none
