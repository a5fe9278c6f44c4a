#pragma once

#include <cstdint>

namespace hv::kvm::x86 {

/// How a processor begins, for a boot protocol that starts behind the firmware. Segments are flat; interrupts are off.
struct StartState {
  enum class Mode {
    real,         ///< 16-bit code at `entry` (below 64 KiB), segments 0
    protected32,  ///< without paging
    long64,       ///< with the page tables at `page_table`
  };
  Mode mode = Mode::long64;
  uint64_t entry = 0;
  uint64_t stack = 0;
  uint64_t rbx = 0;
  uint64_t rsi = 0;
  uint64_t page_table = 0;
  uint64_t gdt = 0;  ///< where a table with these segments lies, for a guest that reloads them: code 0x10, data 0x18
  uint16_t gdt_limit = 0;
};

inline constexpr uint16_t kCodeSelector = 0x10;
inline constexpr uint16_t kDataSelector = 0x18;

}  // namespace hv::kvm::x86
