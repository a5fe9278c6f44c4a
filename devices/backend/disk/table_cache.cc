#include "devices/backend/disk/table_cache.h"

#include <algorithm>

namespace devices::qcow2 {
namespace {

constexpr uint64_t kFewestTables = 4;

}  // namespace

TableCache::TableCache(uint64_t table_size, uint64_t budget, Load load)
    : table_size_(table_size), most_tables_(std::max(budget / table_size, kFewestTables)), load_(std::move(load)) {}

TableCache::TablePointer TableCache::find(uint64_t key) noexcept {
  const auto found = tables_.find(key);
  if (found == tables_.end() || !found->second->ready_) return nullptr;
  found->second->used_ = ++clock_;
  return found->second;
}

Task<hv::Result<TableCache::TablePointer>> TableCache::get(uint64_t key) {
  while (true) {
    if (TablePointer table = find(key)) co_return table;
    const auto found = tables_.find(key);
    if (found == tables_.end()) break;
    const TablePointer loading = found->second;
    co_await loading->loaded_.wait();
  }
  make_room();
  const auto table = std::make_shared<Table>();
  tables_.emplace(key, table);
  table->bytes.resize(table_size_);
  const hv::Result<void> result = co_await load_(key, table->bytes);
  if (result) {
    table->ready_ = true;
    table->used_ = ++clock_;
  } else {
    tables_.erase(key);
  }
  table->loaded_.wake_all();
  CO_TRY(result);
  co_return table;
}

TableCache::TablePointer TableCache::create(uint64_t key) {
  forget(key);
  make_room();
  auto table = std::make_shared<Table>();
  table->bytes.resize(table_size_);
  mark_dirty(*table);
  table->ready_ = true;
  table->used_ = ++clock_;
  tables_[key] = table;
  return table;
}

void TableCache::make_room() noexcept {
  while (tables_.size() >= most_tables_) {
    auto oldest = tables_.end();
    for (auto at = tables_.begin(); at != tables_.end(); ++at) {
      const TablePointer& table = at->second;
      const bool evictable = table->ready_ && !table->dirty_ && table.use_count() == 1;
      if (evictable && (oldest == tables_.end() || table->used_ < oldest->second->used_)) oldest = at;
    }
    if (oldest == tables_.end()) return;
    tables_.erase(oldest);
  }
}

void TableCache::forget(uint64_t key) noexcept {
  const auto found = tables_.find(key);
  if (found == tables_.end()) return;
  if (found->second->dirty_) --dirty_;
  tables_.erase(found);
}

void TableCache::mark_dirty(Table& table) noexcept {
  if (!table.dirty_) ++dirty_;
  table.dirty_ = true;
}

Task<hv::Result<void>> TableCache::write_back(const Store& store) {
  std::vector<uint64_t> keys;
  for (const auto& [key, table] : tables_) {
    if (table->dirty_) keys.push_back(key);
  }
  std::ranges::sort(keys);
  for (const uint64_t key : keys) {
    const TablePointer table = tables_.at(key);
    CO_TRY(co_await store(key, table->bytes));
    table->dirty_ = false;
    --dirty_;
  }
  co_return hv::Result<void>{};
}

}  // namespace devices::qcow2
