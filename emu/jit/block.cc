#include "emu/jit/block.h"

#include <cstring>

namespace emu::jit {

bool Block::is_unchanged() const noexcept {
  const std::byte* at = host;
  for (const Insn& insn : insns) {
    uint32_t raw = 0;
    if (second_half != nullptr && &insn == &insns.back()) {
      constexpr size_t kHalf = sizeof(uint16_t);
      std::memcpy(&raw, at, kHalf);
      std::memcpy(reinterpret_cast<std::byte*>(&raw) + kHalf, second_half, kHalf);
    } else {
      std::memcpy(&raw, at, insn.length);
    }
    if (raw != insn.raw) return false;
    at += insn.length;
  }
  return true;
}

}  // namespace emu::jit
