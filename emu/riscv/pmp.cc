#include "emu/riscv/pmp.h"

#include <bit>

namespace emu::riscv {
namespace {

// pmpcfg fields, §3.7.1.
constexpr uint8_t kLocked = 0x80;
constexpr unsigned kModeShift = 3;
constexpr uint64_t kAddressMask = (uint64_t{1} << 54) - 1;  // physical addresses have 56 bits
enum class Mode : uint8_t { off = 0, top_of_range = 1, aligned_word = 2, aligned_power_of_two = 3 };

}  // namespace

void Pmp::update(const CsrState& csr) noexcept {
  count_ = 0;
  for (size_t i = 0; i < kEntries; ++i) {
    const uint8_t config = csr.pmpcfg[i];
    const uint64_t address = csr.pmpaddr[i] & kAddressMask;
    const uint64_t below = i == 0 ? 0 : csr.pmpaddr[i - 1] & kAddressMask;
    Entry entry{.permissions = static_cast<uint8_t>(config & permission::kAll), .locked = (config & kLocked) != 0};
    switch (static_cast<Mode>(config >> kModeShift & 3)) {
      case Mode::off:
        continue;
      case Mode::top_of_range:
        if (below >= address) continue;
        entry.first = below << 2;
        entry.last = (address << 2) - 1;
        break;
      case Mode::aligned_word:
        entry.first = address << 2;
        entry.last = entry.first + 3;
        break;
      case Mode::aligned_power_of_two: {
        const uint64_t span = (uint64_t{8} << std::countr_one(address)) - 1;
        entry.first = address << 2 & ~span;
        entry.last = entry.first | span;
        break;
      }
    }
    entries_[count_++] = entry;
  }
}

Pmp::Verdict Pmp::check(uint64_t address, uint64_t size, Privilege privilege) const noexcept {
  const uint64_t last = address + size - 1;
  for (size_t i = 0; i < count_; ++i) {
    const Entry& entry = entries_[i];
    if (last < entry.first || address > entry.last) continue;
    if (address < entry.first || last > entry.last) return {.allowed = 0, .uniform = false};
    const bool applies = privilege != Privilege::machine || entry.locked;
    return {.allowed = applies ? entry.permissions : permission::kAll, .uniform = true};
  }
  // §3.7.1: without a matching entry only M-mode has access.
  return {.allowed = privilege == Privilege::machine ? permission::kAll : uint8_t{0}, .uniform = true};
}

}  // namespace emu::riscv
