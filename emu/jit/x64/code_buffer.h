#pragma once

#include <cstddef>
#include <cstdint>

#include <asmjit/x86.h>

namespace emu::jit::x64 {

/// asmjit's buffer and assembler, used for one piece of code after the other.
class CodeBuffer {
 public:
  CodeBuffer();

  /// Starts a piece that will run at `address`.
  void begin(uint64_t address);
  asmjit::x86::Assembler& assembler() noexcept { return assembler_; }
  /// Copies the piece to `to` and returns its size in bytes.
  size_t finish(std::byte* to);
  /// Its size so far, bytes.
  size_t size() const noexcept { return assembler_.offset(); }

 private:
  asmjit::CodeHolder code_;
  asmjit::x86::Assembler assembler_;
};

}  // namespace emu::jit::x64
