#include "emu/jit/block.h"

#include <cstring>

namespace emu::jit {

bool Block::is_unchanged() const noexcept {
  const std::byte* at = host;
  for (const Insn& insn : insns) {
    uint32_t raw = 0;
    std::memcpy(&raw, at, insn.length);
    if (raw != insn.raw) return false;
    at += insn.length;
  }
  return true;
}

}  // namespace emu::jit
