#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "devices/backend/disk/file_io.h"
#include "devices/backend/disk/task.h"
#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace devices {

/// Up to `length` bytes of `iovecs` from byte `offset` on.
std::vector<iovec> slice(std::span<const iovec> iovecs, uint64_t offset, uint64_t length);
uint64_t total_size(std::span<const iovec> iovecs) noexcept;
void fill_zero(std::span<const iovec> iovecs) noexcept;
void copy_to(std::span<const iovec> iovecs, const std::byte* from) noexcept;
/// An iovec for bytes that are only read.
inline iovec readable_iovec(const void* data, size_t size) noexcept { return {const_cast<void*>(data), size}; }

/// A file or a block device, as the formats stand on it: whole transfers, short ones being carried on.
///
/// Belongs to an event loop, as its FileIo does. What a function is given stays valid until its task has ended.
class BlockFile {
 public:
  struct Kind {
    bool block_device = false;
    uint32_t logical_block = 512;
    uint32_t physical_block = 4096;
  };

  /// Opens and locks (file_lock.h). Errors: no such file, no permission, neither a file nor a block device, in use.
  static hv::Result<BlockFile> open(const std::string& path, bool read_only, std::shared_ptr<FileIo> io);
  /// A file that has no name and goes with its descriptor, in $TMPDIR or /tmp.
  static hv::Result<BlockFile> open_temporary(std::shared_ptr<FileIo> io);
  /// A file that is open already, by the name that errors call it.
  BlockFile(hv::UniqueFd fd, std::string path, std::shared_ptr<FileIo> io);

  const std::string& path() const noexcept { return path_; }
  const Kind& kind() const noexcept { return kind_; }
  FileIo& io() const noexcept { return *io_; }
  const std::shared_ptr<FileIo>& shared_io() const noexcept { return io_; }
  /// Bytes, as of now. Error: the host cannot say.
  hv::Result<uint64_t> size() const;

  /// Bytes past the end of the file read as zeros.
  Task<hv::Result<void>> read(uint64_t offset, std::span<const iovec> to) const;
  Task<hv::Result<void>> read(uint64_t offset, std::span<std::byte> to) const;
  Task<hv::Result<void>> write(uint64_t offset, std::span<const iovec> from) const;
  Task<hv::Result<void>> write(uint64_t offset, std::span<const std::byte> from) const;
  /// Ends when what was written before is on the medium. After one failure all fail: the host has reported that writes
  /// were lost, and does so once only.
  Task<hv::Result<void>> sync() const;
  /// Gives a range's space back where the host can: it reads as zeros then, otherwise as before.
  /// The result says whether it reads as zeros.
  Task<hv::Result<bool>> punch(uint64_t offset, uint64_t length) const;
  /// Makes a range read as zeros, its space given back if `unmap`; by writing zeros where the host has no better way.
  Task<hv::Result<void>> write_zeroes(uint64_t offset, uint64_t length, bool unmap) const;

 private:
  Task<hv::Result<void>> transfer(IoRequest::Op op, uint64_t offset, std::span<const iovec> iovecs) const;
  Task<int64_t> simple(IoRequest::Op op, uint64_t offset, uint64_t length) const;
  Task<hv::Result<void>> write_zero_bytes(uint64_t offset, uint64_t length) const;
  tl::unexpected<hv::Error> failure(IoRequest::Op op, uint64_t offset, int64_t result) const;

  hv::UniqueFd fd_;
  std::string path_;
  std::shared_ptr<FileIo> io_;
  Kind kind_;
  mutable bool lost_writes_ = false;
};

}  // namespace devices
