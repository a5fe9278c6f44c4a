#pragma once

#include <cstdint>

#include "emu/riscv/hart_group.h"

namespace emu::riscv::sbi {

/// The harts that a mask and its base name (§3.2): bit n is hart base + n, and base -1 stands for all.
class HartMask {
 public:
  HartMask(uint64_t mask, uint64_t base, size_t harts) noexcept {
    constexpr uint64_t kEveryone = ~uint64_t{0};
    const uint64_t existing = (uint64_t{1} << harts) - 1;
    if (base == kEveryone) {
      bits_ = existing;
    } else if (mask != 0) {
      is_valid_ = base < harts && ((mask << base) >> base) == mask && ((mask << base) & ~existing) == 0;
      if (is_valid_) bits_ = mask << base;
    }
  }

  /// False: it names a hart that does not exist.
  bool is_valid() const noexcept { return is_valid_; }
  bool contains(size_t hart) const noexcept { return (bits_ >> hart & 1) != 0; }

 private:
  static_assert(HartGroup::kMaxHarts < 64);
  uint64_t bits_ = 0;
  bool is_valid_ = true;
};

}  // namespace emu::riscv::sbi
