#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "emu/mmu/tlb.h"
#include "emu/mmu/windows.h"
#include "hv/core/guest_memory.h"

namespace emu::mmu {

/// Guest pages mapped a second time, in the order of their guest addresses, so that one addend, and so one window,
/// serves neighbours that lie apart in guest memory. Pages are brought in a few at a time, for windows whose accesses
/// have roamed for about as long as that takes; what a guest address was mapped to last stays. Owned by the vCPU's
/// thread.
class Mirror {
 public:
  explicit Mirror(const hv::GuestMemory& memory) noexcept : memory_(memory) {}
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  /// Makes runs for the windows that were shut (Windows::roamed), of pages that `table`, the one whose windows they
  /// are, has entries for.
  void serve(Windows& windows, const TlbEntry* table) noexcept;

  uint64_t pages_brought() const noexcept { return pages_brought_; }

  /// At most so many mappings are held: the host limits them (vm.max_map_count), each may split what was reserved in
  /// two more, and all vCPUs want some.
  static constexpr size_t kMostMappings = 1024;

 private:
  static constexpr uint64_t kAreaSize = uint64_t{1} << Windows::kRunShift;
  static constexpr size_t kAreaPages = kAreaSize >> hv::kGuestPageShift;
  static constexpr uint64_t kSize = Windows::kRuns * kAreaSize;
  /// Mappings made for one roaming window at a time; each takes about as long as a thousand misses.
  static constexpr unsigned kAtOnce = 4;

  /// What is mapped in one stretch of host memory, for the guest addresses of one stretch.
  struct Area {
    uint64_t first = ~uint64_t{0};
    std::array<const std::byte*, kAreaPages> pages{};
  };
  struct Search;

  /// False: the host has no address space left.
  bool reserve() noexcept;
  std::byte* host_of(size_t area, size_t page = 0) const noexcept {
    return host_ + area * kAreaSize + page * hv::kGuestPageSize;
  }
  Area& use_area(uint64_t address, Windows& windows) noexcept;
  /// Makes one around `address`, unless there is no more to it than that page.
  void make_run(uint64_t address, bool stores, Windows& windows, const TlbEntry* table) noexcept;
  /// Whether a page is mapped, now or already. Takes from `budget` if now.
  bool bring(const Search& search, size_t page, unsigned& budget) noexcept;
  void empty(Windows& windows) noexcept;
  /// Leaves windows to themselves from now on.
  void give_up(Windows& windows) noexcept;

  const hv::GuestMemory& memory_;
  std::byte* host_ = nullptr;  ///< Windows::kRuns areas, when there is anything in them
  bool is_unusable_ = false;   ///< the host did not let it map a page
  std::array<std::unique_ptr<Area>, Windows::kRuns> areas_;
  size_t mappings_ = 0;
  uint64_t pages_brought_ = 0;
};

}  // namespace emu::mmu
