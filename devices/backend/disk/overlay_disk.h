#pragma once

#include <memory>

#include "devices/backend/disk/block_file.h"
#include "devices/backend/disk/disk.h"
#include "devices/backend/disk/sector_set.h"

namespace devices {

/// A disk whose changes go to a temporary file and are gone with it; the disk below is only read (`snapshot: true`).
///
/// It keeps one bit for each sector that was written, so that no write ever has to read.
class OverlayDisk final : public Disk {
 public:
  OverlayDisk(std::unique_ptr<Disk> below, BlockFile changes);
  ~OverlayDisk() override;

  Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) override;
  Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) override;
  Task<hv::Result<void>> flush() override;
  Task<hv::Result<void>> discard(uint64_t offset, uint64_t length) override;
  Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) override;
  void drain() noexcept override;

 private:
  Task<hv::Result<void>> read_from(bool changed, uint64_t offset, std::span<const iovec> to);

  std::unique_ptr<Disk> below_;
  BlockFile changes_;
  SectorSet changed_;
};

}  // namespace devices
