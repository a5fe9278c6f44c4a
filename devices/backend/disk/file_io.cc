#include "devices/backend/disk/file_io.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "devices/backend/disk/thread_io.h"
#include "devices/backend/disk/uring_io.h"
#include "hv/base/log.h"

namespace devices {
namespace {

int64_t call_once(const IoRequest& request) noexcept {
  const auto offset = static_cast<off_t>(request.offset);
  const auto length = static_cast<off_t>(request.length);
  switch (request.op) {
    case IoRequest::Op::read:
      return ::preadv(request.fd, request.iovecs, static_cast<int>(request.iovec_count), offset);
    case IoRequest::Op::write:
      return ::pwritev(request.fd, request.iovecs, static_cast<int>(request.iovec_count), offset);
    case IoRequest::Op::sync:
      return ::fdatasync(request.fd);
    case IoRequest::Op::punch:
      return ::fallocate(request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
    case IoRequest::Op::zero:
      return ::fallocate(request.fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
    case IoRequest::Op::call:
      break;
  }
  return request.function(request.argument);
}

}  // namespace

int64_t perform_blocking(const IoRequest& request) noexcept {
  if (request.op == IoRequest::Op::call) return request.function(request.argument);
  int64_t result;
  do {
    result = call_once(request);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

hv::Result<std::shared_ptr<FileIo>> create_file_io(IoEngine engine, EventLoop& loop) {
  if (engine != IoEngine::threads) {
    auto uring = UringIo::create(loop);
    if (uring) return std::shared_ptr<FileIo>(std::move(*uring));
    if (engine == IoEngine::io_uring) return tl::unexpected(std::move(uring).error());
    hv::log::info("disks use threads: {}", uring.error().message);
  }
  return std::shared_ptr<FileIo>(std::make_shared<ThreadIo>(loop));
}

}  // namespace devices
