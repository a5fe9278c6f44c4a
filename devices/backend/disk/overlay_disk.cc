#include "devices/backend/disk/overlay_disk.h"

namespace devices {

OverlayDisk::OverlayDisk(std::unique_ptr<Disk> below, BlockFile changes)
    : below_(std::move(below)), changes_(std::move(changes)), changed_(below_->size() / kSectorSize) {
  properties_ = below_->properties();
  properties_.read_only = false;
}

OverlayDisk::~OverlayDisk() { drain(); }

Task<hv::Result<void>> OverlayDisk::read(uint64_t offset, std::span<const iovec> to) {
  const uint64_t length = total_size(to);
  for (uint64_t done = 0; done < length;) {
    const uint64_t sector = (offset + done) / kSectorSize;
    const uint64_t size = changed_.run(sector, (length - done) / kSectorSize) * kSectorSize;
    const bool changed = changed_.contains(sector);
    if (size == length) co_return co_await read_from(changed, offset, to);
    const std::vector<iovec> part = slice(to, done, size);
    CO_TRY(co_await read_from(changed, offset + done, part));
    done += size;
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> OverlayDisk::read_from(bool changed, uint64_t offset, std::span<const iovec> to) {
  return changed ? changes_.read(offset, to) : below_->read(offset, to);
}

Task<hv::Result<void>> OverlayDisk::write(uint64_t offset, std::span<const iovec> from) {
  CO_TRY(co_await changes_.write(offset, from));
  changed_.insert(offset / kSectorSize, total_size(from) / kSectorSize);
  co_return hv::Result<void>{};
}

// There is nothing that a flush could save from a crash.
Task<hv::Result<void>> OverlayDisk::flush() { co_return hv::Result<void>{}; }

// What was never written keeps what the disk below has; the rest gives its space back and reads as zeros.
Task<hv::Result<void>> OverlayDisk::discard(uint64_t offset, uint64_t length) {
  for (uint64_t done = 0; done < length;) {
    const uint64_t sector = (offset + done) / kSectorSize;
    const uint64_t size = changed_.run(sector, (length - done) / kSectorSize) * kSectorSize;
    if (changed_.contains(sector)) CO_TRY(co_await changes_.punch(offset + done, size));
    done += size;
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> OverlayDisk::write_zeroes(uint64_t offset, uint64_t length, bool) {
  CO_TRY(co_await changes_.write_zeroes(offset, length, true));
  changed_.insert(offset / kSectorSize, length / kSectorSize);
  co_return hv::Result<void>{};
}

void OverlayDisk::drain() noexcept {
  // A read that is half in one and half in the other comes to an end only when both go on.
  do {
    changes_.io().drain();
    below_->drain();
  } while (changes_.io().in_flight() != 0);
}

}  // namespace devices
