#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "devices/backend/disk/async_lock.h"
#include "devices/backend/disk/block_file.h"
#include "devices/backend/disk/disk.h"
#include "devices/backend/disk/qcow2_format.h"
#include "devices/backend/disk/qcow2_refcounts.h"
#include "devices/backend/disk/table_cache.h"

namespace devices {

/// A qcow2 image.
///
/// Changes to tables stay in memory until a flush, which writes them in an order that leaves the image consistent
/// wherever it is cut off: refcounts and data, then what refers to them, then what refers to that, the medium being
/// synced in between; a cluster is reused only when nothing on the medium and no operation under way refers to it. So a
/// crash may at worst leave clusters marked as used that are not, and only when it falls into a flush.
///
/// Reads and writes in place need no lock. Whatever changes a table holds `lock_`, but not while data is transferred: a
/// write that allocates puts its clusters into `allocations_` meanwhile, and others that want to change those wait.
class Qcow2Disk final : public Disk {
 public:
  /// Reads and checks the header; `open_disk` does so first to know about a backing file.
  static hv::Result<qcow2::Header> read_header(const BlockFile& file);

  /// `backing` is what the image's unallocated clusters show, or null for zeros.
  /// Errors: the host's; a damaged image; one that was not closed properly and cannot be put right here.
  static hv::Result<std::unique_ptr<Qcow2Disk>> create(BlockFile file, const qcow2::Header& header, bool read_only,
                                                       std::unique_ptr<Disk> backing, std::string id);
  ~Qcow2Disk() override;  ///< flushes

  Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) override;
  Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) override;
  Task<hv::Result<void>> flush() override;
  Task<hv::Result<void>> discard(uint64_t offset, uint64_t length) override;
  Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) override;
  void drain() noexcept override;

 private:
  using TablePointer = qcow2::TableCache::TablePointer;

  enum class Kind {
    absent,  ///< shows the backing disk, or zeros
    zero,
    data,
    compressed,
  };
  /// What lies behind a piece of the disk: consecutive clusters of one kind, with data in one piece of the file.
  struct Mapping {
    Kind kind = Kind::absent;
    uint64_t entry = 0;   ///< the first cluster's L2 entry
    uint64_t host = 0;    ///< of data: where in the file
    uint64_t length = 0;  ///< bytes
    bool in_place() const noexcept { return kind == Kind::data && (entry & qcow2::kCopied) != 0; }
  };

  /// Clusters that a write has taken and not yet entered into an L2 table. Lives in the write's coroutine.
  class Allocation {
   public:
    Allocation(Qcow2Disk& disk, uint64_t cluster, uint64_t count);
    ~Allocation();
    Allocation(const Allocation&) = delete;
    Allocation& operator=(const Allocation&) = delete;

    bool overlaps(uint64_t cluster, uint64_t count) const noexcept {
      return cluster < cluster_ + count_ && cluster_ < cluster + count;
    }
    auto ended() noexcept { return ended_.wait(); }

   private:
    Qcow2Disk& disk_;
    uint64_t cluster_;
    uint64_t count_;
    WaitQueue ended_;
  };

  /// Keeps clusters that are freed from now on from being reused while it lives: they may still be read or written.
  class Running {
   public:
    explicit Running(Qcow2Disk& disk) : disk_(disk) {
      disk.running_.push_back(++disk.sequence_);
      self_ = std::prev(disk.running_.end());
    }
    ~Running() { disk_.running_.erase(self_); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Qcow2Disk& disk_;
    std::list<uint64_t>::iterator self_;
  };

  /// A reference that no table in memory has any more, but a table on the medium may have.
  struct Freed {
    uint64_t offset;
    uint64_t bytes;
    uint64_t sequence;  ///< operations up to this one may still use it
  };

  enum class Zeroing { discard, unmap, keep };

  Qcow2Disk(BlockFile file, const qcow2::Header& header, uint64_t file_size, std::unique_ptr<Disk> backing);

  // Opening (qcow2_open.cc).
  Task<hv::Result<void>> load(bool read_only);
  Task<hv::Result<void>> write_features(uint64_t incompatible, uint64_t autoclear);
  Task<hv::Result<void>> rebuild_refcounts();
  Task<hv::Result<void>> count_references(std::vector<uint32_t>& counts);
  void count(std::vector<uint32_t>& counts, uint64_t offset, uint64_t bytes) const noexcept;
  Task<hv::Result<void>> load_unpacked(uint64_t entry, std::span<std::byte> out);

  // Mapping.
  uint64_t cluster_size() const noexcept { return header_.cluster_size(); }
  uint64_t table_coverage() const noexcept { return header_.l2_entries() << header_.cluster_bits; }
  uint64_t l1_index(uint64_t offset) const noexcept { return offset / table_coverage(); }
  uint64_t l2_index(uint64_t offset) const noexcept { return offset % table_coverage() >> header_.cluster_bits; }
  hv::Result<uint64_t> l2_offset(uint64_t l1_index) const;
  /// Null where the L1 table has no entry.
  Task<hv::Result<TablePointer>> l2_table(uint64_t l1_index);
  Kind kind_of(uint64_t entry) const noexcept;
  hv::Result<Mapping> map(const TablePointer& table, uint64_t offset, uint64_t length) const;
  hv::Result<void> check_entry(uint64_t entry) const;
  tl::unexpected<hv::Error> damaged(const char* what, uint64_t offset) const;

  Task<hv::Result<void>> read_mapping(const Mapping& mapping, uint64_t offset, std::span<const iovec> to);
  Task<hv::Result<void>> read_backing(uint64_t offset, std::span<const iovec> to);
  Task<hv::Result<void>> read_compressed(uint64_t entry, uint64_t offset, std::span<const iovec> to);

  // Writing (qcow2_write.cc). Functions that take no lock themselves are called with it.
  hv::Result<void> check_writable(const Mapping& mapping) const;
  bool is_metadata(uint64_t offset) const noexcept { return refcounts_.is_metadata(offset) || l2_.contains(offset); }
  Allocation* allocation_in(uint64_t cluster, uint64_t count) noexcept;
  Task<hv::Result<TablePointer>> writable_l2(uint64_t l1_index);
  Task<hv::Result<qcow2::Refcounts::Extent>> allocate(uint64_t most);
  void set_l1(uint64_t index, uint64_t entry) noexcept;
  Task<hv::Result<uint64_t>> write_allocating(uint64_t offset, std::span<const iovec> from);
  Task<hv::Result<void>> write_clusters(uint64_t offset, std::span<const iovec> from,
                                        const qcow2::Refcounts::Extent& extent);
  Task<hv::Result<void>> fill_around(uint64_t offset, std::span<std::byte> out);
  Task<hv::Result<void>> link(uint64_t offset, const qcow2::Refcounts::Extent& extent);
  Task<hv::Result<void>> zero_clusters(uint64_t offset, uint64_t end, Zeroing zeroing);
  Task<hv::Result<void>> zero_within_cluster(uint64_t offset, uint64_t length);
  uint64_t zeroed_entry(uint64_t entry, Zeroing zeroing) const noexcept;
  void free_entry(uint64_t entry);
  void free_later(uint64_t offset, uint64_t bytes) { freed_.push_back({offset, bytes, sequence_}); }

  // Writing back (qcow2_flush.cc).
  bool any_dirty() const noexcept { return refcounts_.any_dirty() || l2_.any_dirty() || l1_dirty_; }
  Task<hv::Result<void>> write_back();
  Task<hv::Result<void>> write_l1();
  Task<hv::Result<void>> reclaim();
  Task<hv::Result<void>> write_back_if_much();

  BlockFile file_;
  qcow2::Header header_;
  std::unique_ptr<Disk> backing_;
  std::vector<uint64_t> l1_;
  bool l1_dirty_ = false;
  uint64_t l1_first_dirty_ = 0;
  uint64_t l1_last_dirty_ = 0;
  qcow2::TableCache l2_;
  qcow2::TableCache unpacked_;
  qcow2::Refcounts refcounts_;

  AsyncLock lock_;
  std::list<Allocation*> allocations_;
  std::list<uint64_t> running_;  ///< of operations under way, oldest first
  uint64_t sequence_ = 0;
  std::vector<Freed> freed_;
};

}  // namespace devices
