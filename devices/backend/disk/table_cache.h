#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "devices/backend/disk/async_lock.h"
#include "devices/backend/disk/task.h"
#include "hv/base/endian.h"
#include "hv/base/result.h"

namespace devices::qcow2 {

/// Clusters in memory: L2 tables and refcount blocks by their offset in the file, unpacked clusters by their L2 entry.
///
/// Changes stay in memory until they are written back; a table with changes, or one that somebody holds, is never
/// evicted, so the budget is exceeded rather than a change lost.
class TableCache {
 public:
  struct Table {
    std::vector<std::byte> bytes;

    uint64_t entry(uint64_t index) const noexcept { return hv::load_be<uint64_t>(&bytes[index * 8]); }

   private:
    friend class TableCache;
    bool dirty_ = false;
    bool ready_ = false;
    uint64_t used_ = 0;  ///< when
    WaitQueue loaded_;
  };
  using TablePointer = std::shared_ptr<Table>;
  using Load = std::function<Task<hv::Result<void>>(uint64_t key, std::span<std::byte> out)>;
  using Store = std::function<Task<hv::Result<void>>(uint64_t key, std::span<const std::byte> data)>;

  TableCache(uint64_t table_size, uint64_t budget, Load load);

  /// A table that is in memory, or null.
  TablePointer find(uint64_t key) noexcept;
  /// Loads it if need be. Only one load of a table is ever under way.
  Task<hv::Result<TablePointer>> get(uint64_t key);
  /// A new one, all zeros and dirty.
  TablePointer create(uint64_t key);
  void forget(uint64_t key) noexcept;
  /// Called after a change.
  void mark_dirty(Table& table) noexcept;
  void set_entry(Table& table, uint64_t index, uint64_t value) noexcept {
    hv::store_be(&table.bytes[index * 8], value);
    mark_dirty(table);
  }
  bool contains(uint64_t key) const noexcept { return tables_.contains(key); }

  bool any_dirty() const noexcept { return dirty_ != 0; }
  /// Whether so much is dirty that it should be written back now.
  bool should_write_back() const noexcept { return dirty_ > most_tables_ / 2; }
  /// Stores the dirty tables in the order of their keys. They stay dirty if that fails.
  Task<hv::Result<void>> write_back(const Store& store);

 private:
  void make_room() noexcept;

  const uint64_t table_size_;
  const size_t most_tables_;
  Load load_;
  std::unordered_map<uint64_t, TablePointer> tables_;
  size_t dirty_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace devices::qcow2
