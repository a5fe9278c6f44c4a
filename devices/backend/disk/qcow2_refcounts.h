#pragma once

#include <cstdint>
#include <vector>

#include "devices/backend/disk/block_file.h"
#include "devices/backend/disk/qcow2_format.h"
#include "devices/backend/disk/table_cache.h"
#include "devices/backend/disk/task.h"

namespace devices::qcow2 {

/// Which clusters of an image are used, and how often. A two-level table in the file; changes are kept in memory until
/// `write_back`. Used under the image's metadata lock.
class Refcounts {
 public:
  struct Range {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    bool contains(uint64_t at) const noexcept { return at >= offset && at - offset < bytes; }
  };
  struct Extent {
    uint64_t offset = 0;  ///< bytes, in the file
    uint64_t clusters = 0;
    bool fresh = false;  ///< never used before: reads as zeros
  };

  Refcounts(const BlockFile& file, const Header& header, uint64_t file_size);

  /// Reads the first level. Error: the host's, or a damaged table.
  Task<hv::Result<void>> load();

  Task<hv::Result<uint64_t>> get(uint64_t cluster);
  /// Error: the host's, a damaged table, or a file larger than a table can describe.
  Task<hv::Result<void>> set(uint64_t cluster, uint64_t count);
  /// Takes between one and `most` free clusters in one piece.
  Task<hv::Result<Extent>> allocate(uint64_t most);
  /// Takes one reference away from each cluster that the range touches. The result counts those that became free.
  Task<hv::Result<uint64_t>> release(uint64_t offset, uint64_t bytes);

  bool any_dirty() const noexcept { return blocks_.any_dirty() || table_dirty_; }
  bool should_write_back() const noexcept { return blocks_.should_write_back(); }
  /// Writes what changed: blocks before the table that names them, a table before the header that names it.
  Task<hv::Result<void>> write_back();

  /// Whether the cluster at `offset` holds the header, the L1 table, part of this table or a block that is in memory:
  /// what a damaged image must not make us use for anything else.
  bool is_metadata(uint64_t offset) const noexcept;
  /// Where the file ends, or will when all that was allocated is written; a multiple of the cluster size.
  uint64_t end_offset() const noexcept { return offset_of(end_); }
  const std::vector<uint64_t>& table() const noexcept { return table_; }
  uint64_t table_offset() const noexcept { return table_offset_; }
  uint64_t table_bytes() const noexcept { return table_.size() * 8; }
  /// Where allocation starts to look: for a rebuild, which must not take what it has not counted yet.
  void search_from(uint64_t cluster) noexcept { search_from_ = cluster; }

 private:
  Task<hv::Result<TableCache::TablePointer>> block_for_reading(uint64_t cluster);
  Task<hv::Result<TableCache::TablePointer>> block_for_writing(uint64_t cluster);
  Task<hv::Result<void>> make_block(uint64_t index);
  Task<hv::Result<void>> grow_table(uint64_t entries);
  Task<hv::Result<bool>> is_free(uint64_t cluster);
  hv::Result<void> check_block_offset(uint64_t offset) const;
  uint64_t value_in(const TableCache::Table& block, uint64_t index) const noexcept;
  void set_value_in(TableCache::Table& block, uint64_t index, uint64_t value) noexcept;
  void used_up_to(uint64_t cluster) noexcept;
  uint64_t offset_of(uint64_t cluster) const noexcept { return cluster << cluster_bits_; }

  const BlockFile& file_;
  const Range l1_table_;
  const unsigned cluster_bits_;
  const unsigned bits_;           ///< of a refcount
  const uint64_t block_entries_;  ///< refcounts in a block
  const bool may_be_fresh_;
  uint64_t end_;  ///< in clusters: nothing from here on was ever used
  uint64_t table_offset_;
  std::vector<uint64_t> table_;  ///< offsets of blocks, 0 for none
  bool table_dirty_ = false;
  bool table_moved_ = false;
  Range old_table_;  ///< given back once the header names the new one
  TableCache blocks_;
  uint64_t search_from_ = 0;  ///< no cluster below is free
};

}  // namespace devices::qcow2
