#include <algorithm>
#include <cerrno>

#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/bits.h"

namespace devices {

using qcow2::kCompressed;
using qcow2::kCopied;
using qcow2::kOffsetMask;
using qcow2::kZero;
using qcow2::Refcounts;

namespace {

// A write that allocates takes at most this much at once, so that its transfer does not hold up others for long.
constexpr uint64_t kMostBytesAtOnce = 4 << 20;

}  // namespace

Qcow2Disk::Allocation::Allocation(Qcow2Disk& disk, uint64_t cluster, uint64_t count)
    : disk_(disk), cluster_(cluster), count_(count) {
  disk_.allocations_.push_back(this);
}

Qcow2Disk::Allocation::~Allocation() {
  disk_.allocations_.remove(this);
  ended_.wake_all();
}

Qcow2Disk::Allocation* Qcow2Disk::allocation_in(uint64_t cluster, uint64_t count) noexcept {
  const auto found = std::ranges::find_if(
      allocations_, [&](const Allocation* allocation) { return allocation->overlaps(cluster, count); });
  return found == allocations_.end() ? nullptr : *found;
}

Task<hv::Result<void>> Qcow2Disk::write(uint64_t offset, std::span<const iovec> from) {
  const Running running(*this);
  const uint64_t length = total_size(from);
  for (uint64_t done = 0; done < length;) {
    const uint64_t at = offset + done;
    CO_LET(table, co_await l2_table(l1_index(at)));
    CO_LET(mapping, map(table, at, length - done));
    const bool whole = done == 0 && (mapping.length == length || !mapping.in_place());
    std::vector<iovec> part;
    if (!whole) part = slice(from, done, mapping.in_place() ? mapping.length : length - done);
    const std::span<const iovec> source = whole ? from : std::span<const iovec>(part);
    if (mapping.in_place()) {
      CO_TRY(check_writable(mapping));
      table.reset();
      CO_TRY(co_await file_.write(mapping.host, source));
      done += mapping.length;
    } else {
      table.reset();
      CO_LET(written, co_await write_allocating(at, source));
      done += written;
    }
  }
  co_return hv::Result<void>{};
}

/// A damaged image may have a table where data should be: it must not be written to.
hv::Result<void> Qcow2Disk::check_writable(const Mapping& mapping) const {
  const uint64_t first = hv::align_down(mapping.host, cluster_size());
  for (uint64_t cluster = first; cluster < mapping.host + mapping.length; cluster += cluster_size()) {
    if (is_metadata(cluster)) return damaged("data and metadata share a cluster", cluster);
  }
  return {};
}

Task<hv::Result<Refcounts::Extent>> Qcow2Disk::allocate(uint64_t most) {
  CO_LET(extent, co_await refcounts_.allocate(most));
  for (uint64_t i = 0; i < extent.clusters; ++i) {
    const uint64_t offset = extent.offset + (i << header_.cluster_bits);
    if (l2_.contains(offset)) co_return damaged("an L2 table that is marked as free", offset);
  }
  co_return extent;
}

void Qcow2Disk::set_l1(uint64_t index, uint64_t entry) noexcept {
  l1_[index] = entry;
  l1_first_dirty_ = l1_dirty_ ? std::min(l1_first_dirty_, index) : index;
  l1_last_dirty_ = l1_dirty_ ? std::max(l1_last_dirty_, index) : index;
  l1_dirty_ = true;
}

Task<hv::Result<Qcow2Disk::TablePointer>> Qcow2Disk::writable_l2(uint64_t l1_index) {
  CO_LET(old, co_await l2_table(l1_index));
  const uint64_t entry = l1_[l1_index];
  if (old && (entry & kCopied) != 0) co_return old;
  CO_LET(extent, co_await allocate(1));
  const TablePointer table = l2_.create(extent.offset);
  if (old) {
    // A snapshot has this table too.
    table->bytes = old->bytes;
    l2_.forget(entry & kOffsetMask);
    free_later(entry & kOffsetMask, cluster_size());
  }
  set_l1(l1_index, extent.offset | kCopied);
  co_return table;
}

/// Writes the beginning of `from`, for which clusters must be allocated; returns how many bytes. 0: things changed
/// meanwhile, and the caller looks again.
Task<hv::Result<uint64_t>> Qcow2Disk::write_allocating(uint64_t offset, std::span<const iovec> from) {
  const uint64_t cluster = offset >> header_.cluster_bits;
  if (Allocation* const other = allocation_in(cluster, 1); other != nullptr) {
    co_await other->ended();
    co_return 0;
  }
  AsyncLock::Guard guard = co_await lock_.acquire();
  if (allocation_in(cluster, 1) != nullptr) co_return 0;
  CO_LET(table, co_await writable_l2(l1_index(offset)));

  const uint64_t length = std::min(total_size(from), kMostBytesAtOnce);
  const uint64_t last =
      std::min((offset + length - 1) >> header_.cluster_bits, cluster + header_.l2_entries() - 1 - l2_index(offset));
  const auto is_candidate = [&](uint64_t at) {
    const uint64_t entry = table->entry(l2_index(offset) + (at - cluster));
    return (kind_of(entry) != Kind::data || (entry & kCopied) == 0) && allocation_in(at, 1) == nullptr;
  };
  uint64_t wanted = 0;
  while (cluster + wanted <= last && is_candidate(cluster + wanted)) ++wanted;
  if (wanted == 0) co_return 0;

  // A zero cluster may have kept its place.
  const uint64_t entry = table->entry(l2_index(offset));
  CO_TRY(check_entry(entry));
  const bool kept = kind_of(entry) == Kind::zero && (entry & kCopied) != 0 && (entry & kOffsetMask) != 0;
  Refcounts::Extent extent{entry & kOffsetMask, 1, false};
  if (kept && is_metadata(extent.offset)) co_return damaged("data and metadata share a cluster", extent.offset);
  if (!kept) {
    CO_LET(allocated, co_await allocate(wanted));
    extent = allocated;
  }
  table.reset();
  const Allocation allocation(*this, cluster, extent.clusters);
  guard.unlock();

  const uint64_t end = (cluster + extent.clusters) << header_.cluster_bits;
  const uint64_t bytes = std::min(length, end - offset);
  const std::vector<iovec> part = slice(from, 0, bytes);
  hv::Result<void> result = co_await write_clusters(offset, part, extent);

  const AsyncLock::Guard linking = co_await lock_.acquire();
  if (result) result = co_await link(offset, extent);
  if (!result) {
    if (!kept) co_await refcounts_.release(extent.offset, extent.clusters << header_.cluster_bits);
    co_return tl::unexpected(std::move(result).error());
  }
  CO_TRY(co_await write_back_if_much());
  co_return bytes;
}

/// The data, and what of its first and last cluster it does not cover.
Task<hv::Result<void>> Qcow2Disk::write_clusters(uint64_t offset, std::span<const iovec> from,
                                                 const Refcounts::Extent& extent) {
  const uint64_t begin = hv::align_down(offset, cluster_size());
  const uint64_t end = begin + (extent.clusters << header_.cluster_bits);
  const uint64_t data_end = offset + total_size(from);
  std::vector<std::byte> head(offset - begin);
  std::vector<std::byte> tail(end - data_end);
  CO_TRY(co_await fill_around(begin, head));
  CO_TRY(co_await fill_around(data_end, tail));

  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  const bool skip_head = extent.fresh && std::ranges::all_of(head, is_zero);
  const bool skip_tail = extent.fresh && std::ranges::all_of(tail, is_zero);
  std::vector<iovec> pieces;
  if (!head.empty() && !skip_head) pieces.push_back(readable_iovec(head.data(), head.size()));
  pieces.insert(pieces.end(), from.begin(), from.end());
  if (!tail.empty() && !skip_tail) pieces.push_back(readable_iovec(tail.data(), tail.size()));
  co_return co_await file_.write(extent.offset + (skip_head ? head.size() : 0), pieces);
}

/// What a part of a cluster shows now. The bytes are zeros already.
Task<hv::Result<void>> Qcow2Disk::fill_around(uint64_t offset, std::span<std::byte> out) {
  if (out.empty()) co_return hv::Result<void>{};
  CO_LET(table, co_await l2_table(l1_index(offset)));
  CO_LET(mapping, map(table, offset, out.size()));
  if (mapping.kind == Kind::zero || (mapping.kind == Kind::absent && !backing_)) co_return hv::Result<void>{};
  const iovec whole{out.data(), out.size()};
  co_return co_await read_mapping(mapping, offset, std::span(&whole, 1));
}

/// Enters the clusters that were written into their L2 table.
Task<hv::Result<void>> Qcow2Disk::link(uint64_t offset, const Refcounts::Extent& extent) {
  CO_LET(table, co_await writable_l2(l1_index(offset)));
  for (uint64_t i = 0; i < extent.clusters; ++i) {
    const uint64_t index = l2_index(offset) + i;
    const uint64_t host = extent.offset + (i << header_.cluster_bits);
    const uint64_t old = table->entry(index);
    if ((old & kCompressed) != 0 || (old & kOffsetMask) != host) free_entry(old);
    l2_.set_entry(*table, index, host | kCopied);
  }
  co_return hv::Result<void>{};
}

void Qcow2Disk::free_entry(uint64_t entry) {
  if ((entry & kCompressed) != 0) {
    const auto [offset, size] = qcow2::compressed_extent(entry, header_.cluster_bits);
    unpacked_.forget(entry);
    free_later(offset, size);
  } else if ((entry & kOffsetMask) != 0) {
    free_later(entry & kOffsetMask, cluster_size());
  }
}

Task<hv::Result<void>> Qcow2Disk::discard(uint64_t offset, uint64_t length) {
  const Running running(*this);
  const uint64_t begin = hv::align_up(offset, cluster_size());
  // The last cluster may reach past the end of the disk.
  const uint64_t end = offset + length == size() ? offset + length : hv::align_down(offset + length, cluster_size());
  if (begin >= end || (backing_ && header_.version < 3)) co_return hv::Result<void>{};
  co_return co_await zero_clusters(begin, end, Zeroing::discard);
}

Task<hv::Result<void>> Qcow2Disk::write_zeroes(uint64_t offset, uint64_t length, bool unmap) {
  const Running running(*this);
  const uint64_t end = offset + length;
  // Version 2 has no zero clusters: absent ones have to do, if nothing shows through.
  const bool has_zero_clusters = header_.version >= 3 || !backing_;
  const Zeroing zeroing = unmap || header_.version < 3 ? Zeroing::unmap : Zeroing::keep;
  while (offset < end) {
    const uint64_t within = offset & (cluster_size() - 1);
    const uint64_t whole_end = end == size() ? end : hv::align_down(end, cluster_size());
    if (within == 0 && offset < whole_end && has_zero_clusters) {
      CO_TRY(co_await zero_clusters(offset, whole_end, zeroing));
      offset = whole_end;
    } else {
      const uint64_t part = std::min(end - offset, cluster_size() - within);
      CO_TRY(co_await zero_within_cluster(offset, part));
      offset += part;
    }
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> Qcow2Disk::zero_within_cluster(uint64_t offset, uint64_t length) {
  CO_LET(table, co_await l2_table(l1_index(offset)));
  CO_LET(mapping, map(table, offset, length));
  const bool is_zero = mapping.kind == Kind::zero || (mapping.kind == Kind::absent && !backing_);
  if (is_zero && allocation_in(offset >> header_.cluster_bits, 1) == nullptr) co_return hv::Result<void>{};
  const std::vector<std::byte> zeros(length);
  const iovec whole = readable_iovec(zeros.data(), zeros.size());
  co_return co_await write(offset, std::span(&whole, 1));
}

/// From `offset`, where a cluster begins, to `end`, where one or the disk ends.
Task<hv::Result<void>> Qcow2Disk::zero_clusters(uint64_t offset, uint64_t end, Zeroing zeroing) {
  while (offset < end) {
    const uint64_t table_end = hv::align_down(offset, table_coverage()) + table_coverage();
    const uint64_t part_end = std::min(end, table_end);
    const uint64_t first = offset >> header_.cluster_bits;
    const uint64_t count = (part_end - offset + cluster_size() - 1) >> header_.cluster_bits;
    if (Allocation* const other = allocation_in(first, count); other != nullptr) {
      co_await other->ended();
      continue;
    }
    const AsyncLock::Guard guard = co_await lock_.acquire();
    if (allocation_in(first, count) != nullptr) continue;
    const bool nothing_to_do = l1_[l1_index(offset)] == 0 && (!backing_ || zeroing == Zeroing::discard);
    if (!nothing_to_do) {
      CO_LET(table, co_await writable_l2(l1_index(offset)));
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t index = l2_index(offset) + i;
        const uint64_t old = table->entry(index);
        CO_TRY(check_entry(old));
        const uint64_t entry = zeroed_entry(old, zeroing);
        if (entry == old) continue;
        l2_.set_entry(*table, index, entry);
        if ((entry & kOffsetMask) == 0) free_entry(old);
      }
      table.reset();
      CO_TRY(co_await write_back_if_much());
    }
    offset = part_end;
  }
  co_return hv::Result<void>{};
}

uint64_t Qcow2Disk::zeroed_entry(uint64_t entry, Zeroing zeroing) const noexcept {
  const Kind kind = kind_of(entry);
  const bool placed = kind != Kind::compressed && (entry & kOffsetMask) != 0;
  if (kind == Kind::absent && (zeroing == Zeroing::discard || !backing_)) return entry;
  if (kind == Kind::zero && (!placed || zeroing == Zeroing::keep)) return entry;
  if (zeroing == Zeroing::keep && placed && (entry & kCopied) != 0) return entry | kZero;
  return backing_ ? kZero : 0;
}

}  // namespace devices
