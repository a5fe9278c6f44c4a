#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "hv/core/guest_memory.h"

namespace emu::mmu {

/// Which pages of guest memory hold code that a vCPU has decoded or translated, and which of these may have been
/// written since. An instruction fence (RISC-V fence.i, ARM IC IVAU and ISB) then costs nothing while no code was
/// written, and names the few pages to look at when some was.
///
/// How a write is noticed. Devices mark what they write in GuestMemory, which tells this class. A vCPU writes through
/// its TLB, where nobody sees it; but it asks (`allow_writes`) before its TLB lets it write to a page, and if the page
/// has code, that is noted. From then on the vCPU writes to it at full speed: one slow store for each page and fence,
/// not one for each store. A page that a TLB lets somebody write to already when code is first found in it counts as
/// written.
///
/// What a fence does, when `may_have_changed` (HartGroup::synchronize_code, or what another guest has in its place):
///  1. `take` the pages; they no longer count as code, and nobody counts as allowed to write anywhere. What is found to
///     have code from here to 3 counts as written.
///  2. Every vCPU drops its permissions to write, each on its own thread between two blocks, so it is not in the middle
///     of a translation either. Wait for all of them.
///  3. `finish`: the listener compares its translations of each page with memory (after it has called `add` again) and
///     throws away what differs; the epoch rises, by which each vCPU knows on its own next fence that what it has
///     decoded must be compared before use.
/// Whoever translates calls `add` before it reads the code. Then either the writer sees the page's code bit, or the
/// translator sees what was written, or that a TLB may be writing: each sets its own bit before it looks at the
/// other's.
///
/// Any thread may call anything, except where it says otherwise. `memory` outlives this.
class CodePages final : private hv::WriteObserver {
 public:
  /// Called by `finish` for each page, with its host address.
  using Listener = std::function<void(const std::byte* page)>;

  explicit CodePages(hv::GuestMemory& memory);
  ~CodePages();
  CodePages(const CodePages&) = delete;
  CodePages& operator=(const CodePages&) = delete;

  /// While nothing runs.
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  /// The page of `host` is about to be read as code.
  void add(const std::byte* host) noexcept;
  /// A TLB is about to let its vCPU write to the page of `host`; GuestMemory::mark_dirty follows.
  void allow_writes(const std::byte* host) noexcept;
  /// Whether some TLB may let its vCPU write there already.
  bool allows_writes(const std::byte* host) const noexcept;

  /// Whether a page with code may have been written since the last `finish`, or one is under way.
  bool may_have_changed() const noexcept { return changed_.load(); }
  /// By one thread at a time, `finish` included.
  std::vector<const std::byte*> take() noexcept;
  void finish(const std::vector<const std::byte*>& pages) noexcept;

  /// Rises when code may have changed; starts at 1.
  uint64_t epoch() const noexcept { return epoch_.load(); }
  /// For who wants to compare whatever was written. Returns the new epoch.
  uint64_t raise_epoch() noexcept { return epoch_.fetch_add(1) + 1; }

 private:
  using Bitmap = std::vector<std::atomic<uint64_t>>;
  static constexpr uint64_t kNowhere = ~uint64_t{0};

  void written(const std::byte* host, uint64_t length) noexcept override;
  /// The page's bit, or kNowhere.
  uint64_t index_of(const std::byte* host) const noexcept;
  void note(uint64_t index) noexcept;

  static bool test(const Bitmap& bitmap, uint64_t index) noexcept {
    return (bitmap[index / 64].load() >> (index % 64) & 1) != 0;
  }
  static bool set(Bitmap& bitmap, uint64_t index) noexcept {
    const uint64_t bit = uint64_t{1} << (index % 64);
    return (bitmap[index / 64].fetch_or(bit) & bit) != 0;
  }
  static void clear(Bitmap& bitmap, uint64_t index) noexcept {
    bitmap[index / 64].fetch_and(~(uint64_t{1} << (index % 64)));
  }

  hv::GuestMemory& memory_;
  Listener listener_;
  Bitmap code_;      ///< has code
  Bitmap writable_;  ///< a TLB may let its vCPU write there
  Bitmap noted_;     ///< is in `pages_`

  std::atomic<bool> changed_{false};
  std::atomic<bool> dropping_{false};  ///< between `take` and `finish`: `writable_` says too little
  std::atomic<uint64_t> epoch_{1};
  std::mutex mutex_;  ///< guards `pages_`
  std::vector<const std::byte*> pages_;
};

}  // namespace emu::mmu
