#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "emu/mmu/leaf_extents.h"

namespace emu::riscv {

/// What sfence.vma orders: translations of `range`, in the address space of `asid` or in all of them and global ones.
struct TranslationFence {
  static constexpr uint32_t kAllSpaces = ~uint32_t{0};
  static constexpr mmu::VirtualRange kAllAddresses{0, ~uint64_t{0}};

  mmu::VirtualRange range = kAllAddresses;
  uint32_t asid = kAllSpaces;
};

/// What one hart asks of another's translations and code. Any thread asks; the hart's own thread takes.
class FenceQueue {
 public:
  static constexpr size_t kMostFences = 8;

  /// All that was asked for since the last time.
  struct Batch {
    uint64_t ticket = 0;  ///< of the last request
    bool instructions = false;
    size_t count = 0;
    std::array<TranslationFence, kMostFences> translations;
  };

  /// Each returns a ticket: the request is served when a batch with this or a later one has been.
  uint64_t ask_instructions() noexcept {
    const std::lock_guard lock(mutex_);
    batch_.instructions = true;
    return ++batch_.ticket;
  }
  uint64_t ask(const TranslationFence& fence) noexcept {
    const std::lock_guard lock(mutex_);
    // More than there is room for become one that covers them all.
    if (batch_.count == kMostFences) {
      batch_.count = 1;
      batch_.translations[0] = {};
    } else {
      batch_.translations[batch_.count++] = fence;
    }
    return ++batch_.ticket;
  }

  Batch take() noexcept {
    const std::lock_guard lock(mutex_);
    const Batch taken = batch_;
    batch_.instructions = false;
    batch_.count = 0;
    return taken;
  }

 private:
  std::mutex mutex_;
  Batch batch_;
};

}  // namespace emu::riscv
