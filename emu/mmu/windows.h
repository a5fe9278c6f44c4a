#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/mmu/leaf_extents.h"
#include "hv/core/guest_address.h"

namespace emu::mmu {

/// What one place in the code knows of where its accesses go: a page that it was in, as the inline TLB had it, or the
/// run of pages around it. An access whose first byte lies less than `limit` bytes behind `base` is within them,
/// of the kind that they permit, and goes to the host address `guest address + addend`. Generated code reads and writes
/// the fields directly.
struct alignas(32) Window {
  uint64_t base = 0;   ///< of a page
  uint64_t limit = 0;  ///< 0: it is closed
  uint64_t addend = 0;
  uint32_t last_missed = 0;  ///< the page that an access went to that missed, the low half of its address
  uint16_t patience = 4096;  ///< so many misses more, and its accesses roam
  bool is_listed = false;    ///< Windows::open has it

  /// The last byte that accesses through it may reach; while it is open.
  uint64_t last() const noexcept { return base + ((limit - 1) | (hv::kGuestPageSize - 1)); }
};

/// Neighbouring pages that one addend serves (see Mirror).
struct alignas(32) Run {
  uint64_t base = 0;
  uint64_t length = 0;  ///< 0: there is none
  uint64_t addend = 0;

  bool meets(VirtualRange range) const noexcept {
    return length != 0 && base <= range.last && base + (length - 1) >= range.first;
  }
};

/// The windows of one vCPU, which looks through them in user mode. They hold for one inline TLB and are closed with its
/// entries; what the TLB replaces by another page stays open. Owned by the vCPU's thread.
struct Windows {
  static constexpr size_t kCount = 4096;  ///< places in the code share them in turn
  /// A window moves at the second miss in a row in one page. After so many other misses its accesses roam.
  static constexpr uint16_t kPatience = 4096;
  static constexpr size_t kMostRoamed = 16;  ///< windows, until `roamed` is looked at

  /// Windows have only accesses of a kind: up to so many bytes, and either loads or stores. Of each kGroup windows
  /// `count` are of one kind.
  struct Kind {
    bool stores;
    uint16_t bytes;
    uint8_t first;
    uint8_t count;
  };
  static constexpr size_t kGroup = 16;
  static constexpr std::array<Kind, 6> kKinds = {{
      {false, 8, 0, 7},
      {false, 64, 7, 3},
      {false, 256, 10, 1},
      {true, 8, 11, 3},
      {true, 64, 14, 1},
      {true, 256, 15, 1},
  }};
  static constexpr size_t kFirstStores = 11;  ///< of a group
  static_assert(!kKinds[2].stores && kKinds[3].stores && kKinds[3].first == kFirstStores);

  /// Runs do not cross multiples of 16 MiB. Of those that share an index there is one for loads and one for stores.
  static constexpr unsigned kRunShift = 24;
  static constexpr unsigned kRunFold = 29;  ///< what lies half a GiB apart has different indices
  static constexpr size_t kRuns = 16;
  static constexpr size_t run_index(uint64_t address) noexcept {
    return (address >> kRunShift ^ address >> kRunFold) & (kRuns - 1);
  }

  void close() noexcept {
    for (size_t i = 0; i < open_count; ++i) close(all[open[i]]);
    open_count = 0;
    roamed_count = 0;
    if (has_runs) runs = {};
    has_runs = false;
  }
  void close(VirtualRange range) noexcept {
    size_t left = 0;
    for (size_t i = 0; i < open_count; ++i) {
      Window& window = all[open[i]];
      if (window.limit == 0 || (window.base <= range.last && window.last() >= range.first))
        close(window);
      else
        open[left++] = open[i];
    }
    open_count = left;
    if (!has_runs) return;
    for (auto& of_kind : runs) {
      for (Run& run : of_kind) run = run.meets(range) ? Run{} : run;
    }
  }

  std::array<Window, kCount> all{};
  std::array<uint16_t, kCount> open{};  ///< which windows may be open, each once
  uint64_t open_count = 0;
  std::array<std::array<Run, kRuns>, 2> runs{};  ///< of loads, of stores
  bool has_runs = false;
  std::array<uint16_t, kMostRoamed> roamed{};  ///< windows whose accesses roam, near `base` for one
  uint64_t roamed_count = 0;

 private:
  static void close(Window& window) noexcept {
    window.limit = 0;
    window.is_listed = false;
  }
};

}  // namespace emu::mmu
