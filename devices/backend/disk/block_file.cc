#include "devices/backend/disk/block_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "devices/backend/disk/file_lock.h"

namespace devices {
namespace {

alignas(4096) constexpr std::array<std::byte, 64 * 1024> kZeros{};

bool is_unsupported(int64_t result) noexcept {
  return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV || result == -EINVAL || result == -ENOTTY;
}

const char* name_of(IoRequest::Op op) {
  switch (op) {
    case IoRequest::Op::read:
      return "read";
    case IoRequest::Op::write:
      return "write";
    case IoRequest::Op::sync:
      return "flush";
    case IoRequest::Op::punch:
      return "discard";
    case IoRequest::Op::zero:
      return "write zeros";
    case IoRequest::Op::call:
      break;
  }
  return "use";
}

hv::Result<BlockFile::Kind> kind_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return hv::os_error("{}", path);
  BlockFile::Kind kind;
  if (S_ISREG(status.st_mode)) {
    // A file system's block says what it writes well; a huge one (network file systems) would mislead a guest.
    kind.physical_block = std::clamp(static_cast<uint32_t>(status.st_blksize), uint32_t{512}, uint32_t{4096});
    return kind;
  }
  if (!S_ISBLK(status.st_mode)) return hv::error("{}: neither a file nor a block device", path);
  kind.block_device = true;
  int logical = 512;
  unsigned physical = 4096;
  if (::ioctl(fd, BLKSSZGET, &logical) == 0) kind.logical_block = static_cast<uint32_t>(logical);
  if (::ioctl(fd, BLKPBSZGET, &physical) == 0) kind.physical_block = std::max(physical, kind.logical_block);
  return kind;
}

}  // namespace

std::vector<iovec> slice(std::span<const iovec> iovecs, uint64_t offset, uint64_t length) {
  std::vector<iovec> part;
  for (const iovec& piece : iovecs) {
    if (length == 0) break;
    if (offset >= piece.iov_len) {
      offset -= piece.iov_len;
      continue;
    }
    const size_t size = std::min<uint64_t>(piece.iov_len - offset, length);
    part.push_back({static_cast<std::byte*>(piece.iov_base) + offset, size});
    offset = 0;
    length -= size;
  }
  return part;
}

uint64_t total_size(std::span<const iovec> iovecs) noexcept {
  uint64_t total = 0;
  for (const iovec& piece : iovecs) total += piece.iov_len;
  return total;
}

void fill_zero(std::span<const iovec> iovecs) noexcept {
  for (const iovec& piece : iovecs) std::fill_n(static_cast<std::byte*>(piece.iov_base), piece.iov_len, std::byte{0});
}

void copy_to(std::span<const iovec> iovecs, const std::byte* from) noexcept {
  for (const iovec& piece : iovecs) {
    std::copy_n(from, piece.iov_len, static_cast<std::byte*>(piece.iov_base));
    from += piece.iov_len;
  }
}

hv::Result<BlockFile> BlockFile::open(const std::string& path, bool read_only, std::shared_ptr<FileIo> io) {
  // O_NONBLOCK: what is no file at all (a FIFO) is refused and not waited for. It means nothing for files.
  hv::UniqueFd fd(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return hv::os_error("{}", path);
  const Kind kind = TRY(kind_of(fd.get(), path));
  TRY(lock_image(fd.get(), read_only, path));
  BlockFile file(std::move(fd), path, std::move(io));
  file.kind_ = kind;
  return file;
}

hv::Result<BlockFile> BlockFile::open_temporary(std::shared_ptr<FileIo> io) {
  const char* const configured = ::getenv("TMPDIR");
  const std::string folder = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  hv::UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) {
    std::string name = folder + "/vireo-XXXXXX";
    fd.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) return hv::os_error("cannot make a temporary file in {}", folder);
    ::unlink(name.c_str());
  }
  return BlockFile(std::move(fd), folder + " (temporary file)", std::move(io));
}

BlockFile::BlockFile(hv::UniqueFd fd, std::string path, std::shared_ptr<FileIo> io)
    : fd_(std::move(fd)), path_(std::move(path)), io_(std::move(io)) {}

hv::Result<uint64_t> BlockFile::size() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return hv::os_error("{}", path_);
  if (!S_ISBLK(status.st_mode)) return static_cast<uint64_t>(status.st_size);
  uint64_t bytes = 0;
  if (::ioctl(fd_.get(), BLKGETSIZE64, &bytes) != 0) return hv::os_error("{}: its size", path_);
  return bytes;
}

tl::unexpected<hv::Error> BlockFile::failure(IoRequest::Op op, uint64_t offset, int64_t result) const {
  errno = static_cast<int>(-result);
  return hv::os_error("{}: cannot {} at byte {}", path_, name_of(op), offset);
}

Task<hv::Result<void>> BlockFile::transfer(IoRequest::Op op, uint64_t offset, std::span<const iovec> iovecs) const {
  std::vector<iovec> rest;  // what is left after a transfer that ended in the middle of an iovec
  while (!iovecs.empty()) {
    IoRequest request;
    request.op = op;
    request.fd = fd_.get();
    request.offset = offset;
    request.iovecs = iovecs.data();
    request.iovec_count = static_cast<unsigned>(std::min<size_t>(iovecs.size(), IOV_MAX));
    const int64_t result = co_await request.run(*io_);
    if (result < 0) co_return failure(op, offset, result);
    if (result == 0 && op == IoRequest::Op::read) {
      fill_zero(iovecs);
      break;
    }
    if (result == 0 && total_size(iovecs) != 0) co_return failure(op, offset, -EIO);

    auto done = static_cast<uint64_t>(result);
    offset += done;
    while (!iovecs.empty() && done >= iovecs.front().iov_len) {
      done -= iovecs.front().iov_len;
      iovecs = iovecs.subspan(1);
    }
    if (done != 0) {
      rest = slice(iovecs, done, total_size(iovecs));
      iovecs = rest;
    }
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> BlockFile::read(uint64_t offset, std::span<const iovec> to) const {
  return transfer(IoRequest::Op::read, offset, to);
}

Task<hv::Result<void>> BlockFile::write(uint64_t offset, std::span<const iovec> from) const {
  return transfer(IoRequest::Op::write, offset, from);
}

Task<hv::Result<void>> BlockFile::read(uint64_t offset, std::span<std::byte> to) const {
  const iovec whole{to.data(), to.size()};
  co_return co_await transfer(IoRequest::Op::read, offset, std::span(&whole, 1));
}

Task<hv::Result<void>> BlockFile::write(uint64_t offset, std::span<const std::byte> from) const {
  const iovec whole = readable_iovec(from.data(), from.size());
  co_return co_await transfer(IoRequest::Op::write, offset, std::span(&whole, 1));
}

Task<int64_t> BlockFile::simple(IoRequest::Op op, uint64_t offset, uint64_t length) const {
  IoRequest request;
  request.op = op;
  request.fd = fd_.get();
  request.offset = offset;
  request.length = length;
  co_return co_await request.run(*io_);
}

Task<hv::Result<void>> BlockFile::sync() const {
  if (lost_writes_) co_return failure(IoRequest::Op::sync, 0, -EIO);
  const int64_t result = co_await simple(IoRequest::Op::sync, 0, 0);
  if (result < 0) {
    lost_writes_ = true;
    co_return failure(IoRequest::Op::sync, 0, result);
  }
  co_return hv::Result<void>{};
}

Task<hv::Result<bool>> BlockFile::punch(uint64_t offset, uint64_t length) const {
  if (length == 0) co_return true;
  const int64_t result = co_await simple(IoRequest::Op::punch, offset, length);
  if (result < 0 && !is_unsupported(result)) co_return failure(IoRequest::Op::punch, offset, result);
  co_return result >= 0;
}

Task<hv::Result<void>> BlockFile::write_zeroes(uint64_t offset, uint64_t length, bool unmap) const {
  if (length == 0) co_return hv::Result<void>{};
  if (!unmap) {
    const int64_t result = co_await simple(IoRequest::Op::zero, offset, length);
    if (result >= 0) co_return hv::Result<void>{};
    if (!is_unsupported(result)) co_return failure(IoRequest::Op::zero, offset, result);
  }
  CO_LET(zeroed, co_await punch(offset, length));
  if (zeroed) co_return hv::Result<void>{};
  co_return co_await write_zero_bytes(offset, length);
}

Task<hv::Result<void>> BlockFile::write_zero_bytes(uint64_t offset, uint64_t length) const {
  constexpr size_t kPieces = 64;
  std::vector<iovec> pieces;
  while (length != 0) {
    pieces.clear();
    uint64_t size = 0;
    while (size < length && pieces.size() < kPieces) {
      const size_t piece = std::min<uint64_t>(length - size, kZeros.size());
      pieces.push_back(readable_iovec(kZeros.data(), piece));
      size += piece;
    }
    CO_TRY(co_await write(offset, pieces));
    offset += size;
    length -= size;
  }
  co_return hv::Result<void>{};
}

}  // namespace devices
