#include <algorithm>
#include <iterator>

#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/bits.h"
#include "hv/base/log.h"

namespace devices {

Task<hv::Result<void>> Qcow2Disk::flush() {
  // Also when nothing is dirty: a flush before this one may have taken the changes and may fail.
  AsyncLock::Guard guard = co_await lock_.acquire();
  CO_TRY(co_await write_back());
  guard.unlock();
  co_return co_await file_.sync();
}

Task<hv::Result<void>> Qcow2Disk::write_back_if_much() {
  if (!l2_.should_write_back() && !refcounts_.should_write_back()) co_return hv::Result<void>{};
  co_return co_await write_back();
}

/// Writes all tables, each only when what it refers to is on the medium. What it wrote last may not be there yet.
Task<hv::Result<void>> Qcow2Disk::write_back() {
  CO_TRY(co_await refcounts_.write_back());
  if (l2_.any_dirty() || l1_dirty_) {
    CO_TRY(co_await file_.sync());
    CO_TRY(co_await l2_.write_back(
        [this](uint64_t offset, std::span<const std::byte> data) { return file_.write(offset, data); }));
  }
  if (l1_dirty_) {
    CO_TRY(co_await file_.sync());
    CO_TRY(co_await write_l1());
  }
  if (!freed_.empty()) CO_TRY(co_await reclaim());
  co_return hv::Result<void>{};
}

/// The sectors that changed: each one is written as a whole or not at all.
Task<hv::Result<void>> Qcow2Disk::write_l1() {
  constexpr uint64_t kEntriesPerSector = kSectorSize / 8;
  const uint64_t first = hv::align_down(l1_first_dirty_, kEntriesPerSector);
  const uint64_t end = std::min<uint64_t>(hv::align_up(l1_last_dirty_ + 1, kEntriesPerSector), l1_.size());
  std::vector<uint64_t> entries(l1_.begin() + static_cast<ptrdiff_t>(first), l1_.begin() + static_cast<ptrdiff_t>(end));
  for (uint64_t& entry : entries) entry = hv::byte_swap(entry);
  CO_TRY(co_await file_.write(header_.l1_table + first * 8, std::as_bytes(std::span(entries))));
  l1_dirty_ = false;
  co_return hv::Result<void>{};
}

/// Takes back what no operation under way can refer to any more, once the medium does not refer to it either.
Task<hv::Result<void>> Qcow2Disk::reclaim() {
  const uint64_t oldest = running_.empty() ? ~uint64_t{0} : running_.front();
  const auto reclaimable = [&](const Freed& freed) { return freed.sequence < oldest; };
  if (std::ranges::none_of(freed_, reclaimable)) co_return hv::Result<void>{};
  CO_TRY(co_await file_.sync());
  std::vector<Freed> free;
  std::ranges::copy_if(freed_, std::back_inserter(free), reclaimable);
  std::erase_if(freed_, reclaimable);
  std::ranges::sort(free, {}, &Freed::offset);

  // Space that became free is given back to the host in pieces as large as possible. That is only a service: what fails
  // leaves clusters marked as used, or space in use.
  uint64_t hole = 0;
  uint64_t hole_end = 0;
  for (const Freed& freed : free) {
    const hv::Result<uint64_t> clusters = co_await refcounts_.release(freed.offset, freed.bytes);
    if (!clusters) {
      hv::log::warn("{}", clusters.error().message);
      continue;
    }
    if (freed.bytes != cluster_size() || *clusters != 1) continue;
    if (freed.offset != hole_end) {
      co_await file_.punch(hole, hole_end - hole);
      hole = freed.offset;
    }
    hole_end = freed.offset + freed.bytes;
  }
  co_await file_.punch(hole, hole_end - hole);
  co_return co_await refcounts_.write_back();
}

}  // namespace devices
