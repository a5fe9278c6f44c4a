#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/mmu/leaf_extents.h"
#include "hv/core/guest_address.h"

namespace emu::mmu {

/// What one place in the code knows of where its accesses go: the page that it was in last, as the inline TLB had it.
/// An access whose first byte lies less than `limit` bytes behind `base` is within that page, of the kind that the page
/// permits, and goes to the host address `guest address + addend`. Generated code reads and writes the fields directly.
struct alignas(32) Window {
  static constexpr uint8_t kListed = 1;  ///< Windows::open has it
  static constexpr uint8_t kShut = 2;    ///< its accesses roam: looking here first is in vain

  uint64_t base = 0;
  uint64_t limit = 0;  ///< 0: it is closed
  uint64_t addend = 0;
  uint32_t last_missed = 0;  ///< by the count of retired instructions
  uint16_t missed_often = 0;
  uint8_t flags = 0;
};

/// The windows of one vCPU, which looks through them in user mode. They hold for one inline TLB and are closed with its
/// entries; what the TLB replaces by another page stays open. Owned by the vCPU's thread.
struct Windows {
  static constexpr size_t kCount = 4096;  ///< places in the code share them in turn
  /// Misses that come after fewer instructions than this are frequent; after so many in a row a window is shut.
  static constexpr uint32_t kFrequent = 512;
  static constexpr uint16_t kTooMany = 32;

  void close() noexcept {
    for (size_t i = 0; i < open_count; ++i) close(all[open[i]]);
    open_count = 0;
  }
  void close(VirtualRange range) noexcept {
    size_t left = 0;
    for (size_t i = 0; i < open_count; ++i) {
      Window& window = all[open[i]];
      if (window.base <= range.last && window.base + (hv::kGuestPageSize - 1) >= range.first)
        close(window);
      else
        open[left++] = open[i];
    }
    open_count = left;
  }
  /// Lets all be tried again.
  void forgive() noexcept {
    for (Window& window : all) window.flags &= static_cast<uint8_t>(~Window::kShut);
  }

  std::array<Window, kCount> all{};
  std::array<uint16_t, kCount> open{};  ///< which windows may be open, each once
  uint64_t open_count = 0;

 private:
  static void close(Window& window) noexcept {
    window.limit = 0;
    window.flags &= static_cast<uint8_t>(~Window::kListed);
  }
};

}  // namespace emu::mmu
