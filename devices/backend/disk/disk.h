#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <sys/uio.h>

#include "devices/backend/disk/task.h"
#include "hv/base/result.h"

namespace devices {

inline constexpr uint32_t kSectorSize = 512;
inline constexpr size_t kDiskIdSize = 20;

/// A disk's contents, whatever they are kept in.
///
/// Belongs to one event loop: every function is called there (or while it stands still), and the tasks end there. Any
/// number may be under way at once; two that overlap take effect in either order, sector by sector. What a task was
/// given stays valid until it has ended, and a disk outlives its tasks: `drain` waits for them.
///
/// Offsets and lengths are bytes, multiples of kSectorSize, and within `size()`: the caller has checked that. Errors
/// are the host's (EIO, ENOSPC) or a damaged image's; the disk goes on after them.
class Disk {
 public:
  struct Properties {
    uint64_t size = 0;  ///< bytes, a multiple of kSectorSize
    bool read_only = false;
    uint32_t logical_block = kSectorSize;  ///< bytes: what should be read or written at least
    uint32_t physical_block = 4096;        ///< bytes: what is written without reading first
    uint32_t discard_granularity = 4096;   ///< bytes: smaller discards may do nothing
    std::string id = {};                   ///< up to 20 bytes that tell this disk from others
  };

  virtual ~Disk() = default;
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const Properties& properties() const noexcept { return properties_; }
  uint64_t size() const noexcept { return properties_.size; }

  virtual Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) = 0;
  virtual Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) = 0;
  /// Ends when every write, discard and zeroing that ended before it began is on the medium.
  virtual Task<hv::Result<void>> flush() = 0;
  /// The contents of the range do not matter any more; it may keep them or read as zeros.
  virtual Task<hv::Result<void>> discard(uint64_t offset, uint64_t length) = 0;
  /// The range reads as zeros afterwards; `unmap` allows its space to be given back.
  virtual Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) = 0;

  /// Waits on the calling thread until no task is under way.
  virtual void drain() noexcept = 0;

 protected:
  Properties properties_;
};

}  // namespace devices
