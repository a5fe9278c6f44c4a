#include "devices/backend/disk/qcow2_refcounts.h"

#include <algorithm>

#include "hv/base/bits.h"
#include "hv/base/check.h"

namespace devices::qcow2 {
namespace {

constexpr uint64_t kCacheBytes = 1 << 20;
constexpr uint64_t kMaxFileSize = uint64_t{1} << 56;  // an offset has 56 bits

uint64_t refcount_limit(unsigned bits) noexcept { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

}  // namespace

Refcounts::Refcounts(const BlockFile& file, const Header& header, uint64_t file_size)
    : file_(file),
      l1_table_{header.l1_table, uint64_t{header.l1_size} * 8},
      cluster_bits_(header.cluster_bits),
      bits_(header.refcount_bits),
      block_entries_(header.cluster_size() * 8 / header.refcount_bits),
      may_be_fresh_(!file.kind().block_device),
      end_(hv::align_up(file_size, header.cluster_size()) >> header.cluster_bits),
      table_offset_(header.refcount_table),
      table_(static_cast<size_t>((uint64_t{header.refcount_table_clusters} << header.cluster_bits) / 8)),
      blocks_(header.cluster_size(), kCacheBytes,
              [this](uint64_t offset, std::span<std::byte> out) { return file_.read(offset, out); }) {}

Task<hv::Result<void>> Refcounts::load() {
  CO_TRY(co_await file_.read(table_offset_, std::as_writable_bytes(std::span(table_))));
  for (uint64_t& entry : table_) entry = hv::byte_swap(entry) & ~uint64_t{0x1ff};
  co_return hv::Result<void>{};
}

hv::Result<void> Refcounts::check_block_offset(uint64_t offset) const {
  if (hv::is_aligned(offset, uint64_t{1} << cluster_bits_) && (offset >> cluster_bits_) < end_) return {};
  return hv::error("{}: damaged qcow2 image: a refcount block at byte {:#x}", file_.path(), offset);
}

uint64_t Refcounts::value_in(const TableCache::Table& block, uint64_t index) const noexcept {
  const std::byte* const bytes = block.bytes.data();
  switch (bits_) {
    case 8:
      return std::to_integer<uint64_t>(bytes[index]);
    case 16:
      return hv::load_be<uint16_t>(bytes + index * 2);
    case 32:
      return hv::load_be<uint32_t>(bytes + index * 4);
    case 64:
      return hv::load_be<uint64_t>(bytes + index * 8);
    default: {
      // Narrower than a byte: the first one is in the lowest bits.
      const auto byte = std::to_integer<uint64_t>(bytes[index * bits_ / 8]);
      return hv::bits(byte, static_cast<unsigned>(index * bits_ % 8), bits_);
    }
  }
}

void Refcounts::set_value_in(TableCache::Table& block, uint64_t index, uint64_t value) noexcept {
  std::byte* const bytes = block.bytes.data();
  switch (bits_) {
    case 8:
      bytes[index] = static_cast<std::byte>(value);
      break;
    case 16:
      hv::store_be(bytes + index * 2, static_cast<uint16_t>(value));
      break;
    case 32:
      hv::store_be(bytes + index * 4, static_cast<uint32_t>(value));
      break;
    case 64:
      hv::store_be(bytes + index * 8, value);
      break;
    default: {
      const auto shift = static_cast<unsigned>(index * bits_ % 8);
      std::byte& byte = bytes[index * bits_ / 8];
      const uint64_t mask = refcount_limit(bits_) << shift;
      byte = static_cast<std::byte>(hv::with_bits(std::to_integer<uint64_t>(byte), mask, value << shift));
    }
  }
  blocks_.mark_dirty(block);
}

/// Null where there is no block, so that all its clusters are free.
Task<hv::Result<TableCache::TablePointer>> Refcounts::block_for_reading(uint64_t cluster) {
  const uint64_t index = cluster / block_entries_;
  if (index >= table_.size() || table_[index] == 0) co_return TableCache::TablePointer();
  if (TableCache::TablePointer block = blocks_.find(table_[index])) co_return block;
  CO_TRY(check_block_offset(table_[index]));
  co_return co_await blocks_.get(table_[index]);
}

Task<hv::Result<TableCache::TablePointer>> Refcounts::block_for_writing(uint64_t cluster) {
  const uint64_t index = cluster / block_entries_;
  if (index >= table_.size()) CO_TRY(co_await grow_table(index + 1));
  if (table_[index] == 0) CO_TRY(co_await make_block(index));
  co_return co_await block_for_reading(cluster);
}

Task<hv::Result<uint64_t>> Refcounts::get(uint64_t cluster) {
  CO_LET(block, co_await block_for_reading(cluster));
  co_return block ? value_in(*block, cluster % block_entries_) : 0;
}

Task<hv::Result<void>> Refcounts::set(uint64_t cluster, uint64_t count) {
  if (count > refcount_limit(bits_)) {
    co_return hv::error("{}: a cluster with {} references; {} is the limit", file_.path(), count,
                        refcount_limit(bits_));
  }
  CO_LET(block, co_await block_for_writing(cluster));
  set_value_in(*block, cluster % block_entries_, count);
  if (count == 0) {
    search_from_ = std::min(search_from_, cluster);
  } else {
    used_up_to(cluster);
  }
  co_return hv::Result<void>{};
}

void Refcounts::used_up_to(uint64_t cluster) noexcept { end_ = std::max(end_, cluster + 1); }

Task<hv::Result<bool>> Refcounts::is_free(uint64_t cluster) {
  CO_LET(count, co_await get(cluster));
  if (count != 0) co_return false;
  if (!is_metadata(offset_of(cluster))) co_return true;
  co_return hv::error("{}: damaged qcow2 image: its metadata at byte {:#x} is marked as free", file_.path(),
                      offset_of(cluster));
}

/// A block for clusters that have none yet. All of them are free, so it lies in the first of them that allocation has
/// not passed, and describes itself.
Task<hv::Result<void>> Refcounts::make_block(uint64_t index) {
  const uint64_t first = index * block_entries_;
  const uint64_t cluster = std::max(first, search_from_);
  if (cluster < first + block_entries_) {
    const TableCache::TablePointer block = blocks_.create(offset_of(cluster));
    set_value_in(*block, cluster - first, 1);
    table_[index] = offset_of(cluster);
    table_dirty_ = true;
    used_up_to(cluster);
    co_return hv::Result<void>{};
  }
  // A rebuild: the range is taken up by what is still to be counted.
  CO_LET(extent, co_await allocate(1));
  blocks_.create(extent.offset);
  table_[index] = extent.offset;
  table_dirty_ = true;
  co_return hv::Result<void>{};
}

/// Moves the table to the first clusters that the old one cannot describe, behind the blocks that describe those.
Task<hv::Result<void>> Refcounts::grow_table(uint64_t entries) {
  const uint64_t cluster_size = uint64_t{1} << cluster_bits_;
  const uint64_t wanted = std::max(entries, table_.size() + table_.size() / 2);
  const uint64_t bytes = hv::align_up(wanted * 8 + cluster_size, cluster_size);
  if (bytes > kMaxRefcountTableBytes) {
    co_return hv::error("{}: the image cannot grow any more: its refcount table is full", file_.path());
  }
  const uint64_t clusters = bytes >> cluster_bits_;
  const uint64_t first_block = std::max<uint64_t>(table_.size(), entries - 1);
  const uint64_t start = std::max(first_block * block_entries_, search_from_);
  const uint64_t skipped = start - first_block * block_entries_;

  uint64_t block_count = 1;
  while (skipped + block_count + clusters > block_count * block_entries_) ++block_count;
  if (first_block + block_count > bytes / 8) {
    co_return hv::error("{}: the image cannot grow any more: its clusters are too small", file_.path());
  }
  const Range replaced{table_offset_, table_bytes()};
  const bool replaced_is_on_disk = !table_moved_;
  if (replaced_is_on_disk) old_table_ = replaced;
  table_.resize(static_cast<size_t>(bytes / 8));
  for (uint64_t i = 0; i < block_count; ++i) {
    table_[first_block + i] = offset_of(start + i);
    blocks_.create(offset_of(start + i));
  }
  table_offset_ = offset_of(start + block_count);
  table_dirty_ = table_moved_ = true;
  used_up_to(start + block_count + clusters - 1);
  for (uint64_t cluster = start; cluster < start + block_count + clusters; ++cluster) {
    CO_TRY(co_await set(cluster, 1));
  }
  if (!replaced_is_on_disk) CO_TRY(co_await release(replaced.offset, replaced.bytes));
  co_return hv::Result<void>{};
}

Task<hv::Result<Refcounts::Extent>> Refcounts::allocate(uint64_t most) {
  // A new block may take the very cluster that was found free: then the search goes on behind it.
  while (true) {
    uint64_t cluster = search_from_;
    while (true) {
      CO_LET(free, co_await is_free(cluster));
      if (free) break;
      ++cluster;
    }
    search_from_ = cluster;
    CO_LET(block, co_await block_for_writing(cluster));
    CO_LET(still_free, co_await is_free(cluster));
    if (!still_free) continue;

    // Only as far as this block goes.
    const uint64_t limit = std::min(most, block_entries_ - cluster % block_entries_);
    if (offset_of(cluster + limit) > kMaxFileSize) co_return hv::error("{}: the image is too large", file_.path());
    const bool fresh = may_be_fresh_ && cluster >= end_;
    uint64_t count = 0;
    while (count < limit && value_in(*block, (cluster + count) % block_entries_) == 0) {
      if (is_metadata(offset_of(cluster + count))) break;
      if (!fresh && may_be_fresh_ && cluster + count >= end_) break;
      set_value_in(*block, (cluster + count) % block_entries_, 1);
      ++count;
    }
    search_from_ = cluster + count;
    used_up_to(cluster + count - 1);
    co_return Extent{offset_of(cluster), count, fresh};
  }
}

Task<hv::Result<uint64_t>> Refcounts::release(uint64_t offset, uint64_t bytes) {
  uint64_t freed = 0;
  if (bytes == 0) co_return freed;
  const uint64_t last = (offset + bytes - 1) >> cluster_bits_;
  for (uint64_t cluster = offset >> cluster_bits_; cluster <= last; ++cluster) {
    CO_LET(count, co_await get(cluster));
    if (count == 0) {
      co_return hv::error("{}: damaged qcow2 image: the cluster at byte {:#x} is in use and marked as free",
                          file_.path(), offset_of(cluster));
    }
    CO_TRY(co_await set(cluster, count - 1));
    if (count == 1) ++freed;
  }
  co_return freed;
}

bool Refcounts::is_metadata(uint64_t offset) const noexcept {
  return offset == 0 || l1_table_.contains(offset) || Range{table_offset_, table_bytes()}.contains(offset) ||
         blocks_.contains(offset);
}

Task<hv::Result<void>> Refcounts::write_back() {
  const auto store = [this](uint64_t offset, std::span<const std::byte> data) { return file_.write(offset, data); };
  CO_TRY(co_await blocks_.write_back(store));
  if (!table_dirty_ && !table_moved_) co_return hv::Result<void>{};
  CO_TRY(co_await file_.sync());

  std::vector<uint64_t> entries(table_.size());
  std::ranges::transform(table_, entries.begin(), [](uint64_t entry) { return hv::byte_swap(entry); });
  CO_TRY(co_await file_.write(table_offset_, std::as_bytes(std::span(entries))));
  table_dirty_ = false;
  if (!table_moved_) co_return hv::Result<void>{};
  CO_TRY(co_await file_.sync());

  // Both fields lie in one sector: a header names the old table or the new one.
  std::byte fields[12];
  hv::store_be(fields, table_offset_);
  hv::store_be(fields + 8, static_cast<uint32_t>(table_bytes() >> cluster_bits_));
  CO_TRY(co_await file_.write(static_cast<uint64_t>(HeaderOffset::refcount_table), std::span(fields)));
  CO_TRY(co_await file_.sync());
  table_moved_ = false;
  CO_TRY(co_await release(old_table_.offset, old_table_.bytes));
  co_return co_await blocks_.write_back(store);
}

}  // namespace devices::qcow2
