#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/guest_address.h"
#include "hv/core/state_io.h"

namespace hv {

/// What host pages a region asks for. `automatic` takes transparent huge pages where the host gives them; an explicit
/// size fails when the host has none reserved.
enum class HugePages { automatic, off, size_2mib, size_1gib };

/// Where a region's pages come from (numa(7)). `none` leaves the process's policy alone.
struct NumaPolicy {
  enum class Mode { none, bind, interleave, preferred };
  Mode mode = Mode::none;
  std::vector<unsigned> nodes;
};

struct RegionConfig {
  GuestAddress base;
  uint64_t size = 0;  ///< bytes, a multiple of kGuestPageSize
  HugePages huge_pages = HugePages::automatic;
  NumaPolicy numa;
};

/// One that writes to pages of guest memory without marking each write: a vCPU whose TLB lets it, because it has marked
/// them before, or one that another party keeps a log of.
class UnmarkedWriter {
 public:
  /// Marks what it wrote so far and did not mark: before dirty pages are taken. Any thread but the writer's own.
  virtual void mark_unmarked_writes() noexcept {}
  /// When it returns, every write from then on is preceded by a mark again, or will be marked by the function above.
  /// Any thread but the writer's own.
  virtual void stop_unmarked_writes() noexcept = 0;

 protected:
  ~UnmarkedWriter() = default;
};

/// One that wants to know of writes that are marked, at the time of the mark.
class WriteObserver {
 public:
  /// `length` bytes at `host` are written, or about to be by an UnmarkedWriter. Any thread; must not wait.
  virtual void written(const std::byte* host, uint64_t length) noexcept = 0;

 protected:
  ~WriteObserver() = default;
};

/// The guest's RAM: disjoint regions, each one memfd mapping.
///
/// Every function may be called from every thread. An address outside RAM is an Error or a nullptr, never an abort: it
/// comes from the guest. Reads are single-fetch copies: what was checked is what is used, whatever other vCPUs write
/// meanwhile. Every write marks its pages dirty.
class GuestMemory {
 public:
  struct Region {
    GuestRange range;
    std::byte* host = nullptr;
    int fd = -1;
    uint64_t first_page = 0;  ///< index of the region's first page in the dirty bitmap, a multiple of 64
    uint64_t host_page_size = kGuestPageSize;
  };

  /// Errors: overlapping or misaligned regions; no memory; no such huge pages; no such NUMA node.
  static Result<std::unique_ptr<GuestMemory>> create(std::span<const RegionConfig> regions);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  /// Sorted by address.
  std::span<const Region> regions() const noexcept { return regions_; }
  uint64_t size() const noexcept;

  /// Copies guest memory out. The range may run over adjacent regions. Error: any byte of it is not RAM.
  Result<void> read(GuestAddress address, std::span<std::byte> out) const;
  Result<void> write(GuestAddress address, std::span<const std::byte> data);
  Result<void> fill(GuestAddress address, uint64_t length, std::byte value);

  /// One object, little-endian, of any alignment; fetched once (a single access where it is naturally aligned).
  template <typename T>
  requires std::is_trivially_copyable_v<T> Result<T> load(GuestAddress address)
  const {
    T value;
    TRY(read(address, std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  template <typename T>
  requires std::is_trivially_copyable_v<T> Result<void> store(GuestAddress address, const T& value) {
    return write(address, std::as_bytes(std::span(&value, 1)));
  }

  /// The host address of `length` bytes that lie within one region, or nullptr. A caller that writes through it calls
  /// `mark_dirty` afterwards. Guests change the bytes at any time: copy before checking.
  std::byte* host_pointer(GuestAddress address, uint64_t length) const noexcept;

  /// Marks the pages of a range as written. Bytes outside RAM are ignored.
  void mark_dirty(GuestAddress address, uint64_t length) noexcept;
  bool is_dirty(GuestAddress address) const noexcept;
  /// Bitmap of one region, bit n for its page n; the pages it names become clean. A page that is written while or after
  /// it is taken is in the next result. Not on a vCPU's thread: all unmarked writers stop before this returns.
  std::vector<uint64_t> take_dirty(const Region& region) noexcept;

  /// One at a time; nullptr for none. While nothing is written.
  void set_write_observer(WriteObserver* observer) noexcept { observer_ = observer; }
  /// `writer` may write to pages that are dirty, from now on until it is removed.
  void add_unmarked_writer(UnmarkedWriter& writer);
  void remove_unmarked_writer(UnmarkedWriter& writer) noexcept;

  /// Gives a range's host pages back (balloon, free page reporting); it reads as zeros afterwards. Error: not RAM.
  Result<void> discard(GuestAddress address, uint64_t length);

  /// Contents of all regions, zero pages left out.
  void save(StateWriter& writer) const;
  Result<void> load_state(StateReader& reader);

 private:
  /// Bytes of a range that lie within one region.
  struct Piece {
    const Region* region = nullptr;
    uint64_t offset = 0;  ///< within the region
    uint64_t length = 0;
    std::byte* host() const noexcept { return region->host + offset; }
  };

  GuestMemory() = default;
  const Region* find(GuestAddress address) const noexcept;
  /// The first piece of a range; its region is nullptr if the first byte is not RAM.
  Piece piece(GuestAddress address, uint64_t length) const noexcept;
  bool covers(GuestAddress address, uint64_t length) const noexcept;
  /// Calls `visit(piece)` for a range's pieces in order. Error, and no call, when any byte is not RAM.
  template <typename Visit>
  Result<void> visit(GuestAddress address, uint64_t length, Visit&& visit) const;
  void mark_dirty(const Piece& piece) noexcept;
  void discard(const Piece& piece) noexcept;
  void load_region(StateReader& reader, const Region& region);

  std::vector<Region> regions_;
  std::vector<UniqueFd> fds_;
  std::vector<std::atomic<uint64_t>> dirty_;
  std::mutex writers_mutex_;  ///< guards `writers_`
  std::vector<UnmarkedWriter*> writers_;
  std::atomic<WriteObserver*> observer_{nullptr};
};

}  // namespace hv
