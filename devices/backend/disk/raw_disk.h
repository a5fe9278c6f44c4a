#pragma once

#include <memory>
#include <string>

#include "devices/backend/disk/block_file.h"
#include "devices/backend/disk/disk.h"

namespace devices {

/// A file or block device that is the disk's contents byte for byte. A file whose size is no whole number of sectors
/// reads as zeros from its end to the end of the last one.
class RawDisk final : public Disk {
 public:
  /// Error: the host cannot say the file's size.
  static hv::Result<std::unique_ptr<RawDisk>> create(BlockFile file, bool read_only, std::string id);
  ~RawDisk() override;  ///< flushes

  Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) override;
  Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) override;
  Task<hv::Result<void>> flush() override;
  Task<hv::Result<void>> discard(uint64_t offset, uint64_t length) override;
  Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) override;
  void drain() noexcept override;

 private:
  explicit RawDisk(BlockFile file) : file_(std::move(file)) {}

  BlockFile file_;
  bool changed_ = false;  ///< since the last flush began
};

}  // namespace devices
