#include "devices/backend/disk/uring_io.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "devices/event_loop.h"

namespace devices {
namespace {

// The kernel keeps completions beyond this number for later, so it bounds a batch, not the operations in flight.
constexpr unsigned kEntries = 128;
constexpr unsigned kCallThreads = 2;
constexpr std::array kOperations = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE};

hv::Result<void> set_up_ring(io_uring& ring) {
  if (const int code = io_uring_queue_init(kEntries, &ring, 0); code < 0) {
    errno = -code;
    return hv::os_error("io_uring is not available here");
  }
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring);
  bool complete = probe != nullptr && (ring.features & IORING_FEAT_NODROP) != 0;
  for (const int operation : kOperations) {
    complete = complete && io_uring_opcode_supported(probe, operation) != 0;
  }
  io_uring_free_probe(probe);
  if (complete) return {};
  io_uring_queue_exit(&ring);
  return hv::error("io_uring of this kernel is too old");
}

}  // namespace

struct UringIo::Watch {
  Watch(boost::asio::io_context& context, int fd) : descriptor(context, fd) {}

  boost::asio::posix::stream_descriptor descriptor;
  bool waiting = false;
};

std::string io_uring_obstacle() {
  io_uring ring{};
  const hv::Result<void> result = set_up_ring(ring);
  if (!result) return result.error().message;
  io_uring_queue_exit(&ring);
  return {};
}

hv::Result<std::shared_ptr<UringIo>> UringIo::create(EventLoop& loop) {
  std::shared_ptr<UringIo> io(new UringIo(loop));
  TRY(io->set_up());
  return io;
}

UringIo::UringIo(EventLoop& loop) : loop_(loop) {}

UringIo::~UringIo() {
  if (!ring_exists_) return;
  drain();
  watch_.reset();
  io_uring_queue_exit(&ring_);
}

hv::Result<void> UringIo::set_up() {
  TRY(set_up_ring(ring_));
  ring_exists_ = true;
  const int fd = ::fcntl(ring_.ring_fd, F_DUPFD_CLOEXEC, 0);  // Asio closes what it watches
  if (fd < 0) return hv::os_error("cannot watch an io_uring");
  try {
    watch_ = std::make_unique<Watch>(loop_.context(), fd);
  } catch (const std::exception& failure) {
    ::close(fd);
    return hv::error("cannot watch an io_uring: {}", failure.what());
  }
  return {};
}

void UringIo::start(IoRequest& request) noexcept {
  if (request.op == IoRequest::Op::call) {
    if (!threads_) threads_ = std::make_unique<ThreadIo>(loop_, kCallThreads);
    threads_->start(request);
    return;
  }
  ++in_flight_;
  waiting_.push(request);
  prepare_waiting();
  schedule_submit();
}

void UringIo::prepare_waiting() noexcept {
  while (!waiting_.empty()) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
      io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    if (entry == nullptr) return;
    prepare(*entry, *waiting_.pop());
  }
}

void UringIo::prepare(io_uring_sqe& entry, IoRequest& request) noexcept {
  switch (request.op) {
    case IoRequest::Op::read:
      io_uring_prep_readv(&entry, request.fd, request.iovecs, request.iovec_count, request.offset);
      break;
    case IoRequest::Op::write:
      io_uring_prep_writev(&entry, request.fd, request.iovecs, request.iovec_count, request.offset);
      break;
    case IoRequest::Op::sync:
      io_uring_prep_fsync(&entry, request.fd, IORING_FSYNC_DATASYNC);
      break;
    case IoRequest::Op::punch:
      io_uring_prep_fallocate(&entry, request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(request.offset), static_cast<off_t>(request.length));
      break;
    case IoRequest::Op::zero:
      io_uring_prep_fallocate(&entry, request.fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(request.offset), static_cast<off_t>(request.length));
      break;
    case IoRequest::Op::call:
      io_uring_prep_nop(&entry);
      break;
  }
  io_uring_sqe_set_data(&entry, &request);
}

void UringIo::schedule_submit() noexcept {
  if (submit_scheduled_) return;
  submit_scheduled_ = true;
  boost::asio::post(loop_.context(), [weak = weak_from_this()] {
    if (const std::shared_ptr<UringIo> self = weak.lock()) self->submit();
  });
}

void UringIo::submit() noexcept {
  submit_scheduled_ = false;
  prepare_waiting();
  io_uring_submit(&ring_);
  reap();
  // The kernel may take less than everything while it is short of memory or of room for completions.
  if (io_uring_sq_ready(&ring_) != 0 || !waiting_.empty()) schedule_submit();
  watch();
}

void UringIo::reap() noexcept {
  std::array<io_uring_cqe*, kEntries> entries;
  while (const unsigned count = io_uring_peek_batch_cqe(&ring_, entries.data(), kEntries)) {
    std::array<IoRequest*, kEntries> requests;
    for (unsigned i = 0; i < count; ++i) {
      requests[i] = static_cast<IoRequest*>(io_uring_cqe_get_data(entries[i]));
      requests[i]->result = entries[i]->res;
    }
    io_uring_cq_advance(&ring_, count);
    for (IoRequest* const request : std::span(requests).first(count)) {
      --in_flight_;
      // A request is also cancelled by the kernel when the thread that submitted it ends (a loop that is stopped).
      const bool again = request->result == -EINTR || request->result == -EAGAIN || request->result == -ECANCELED;
      if (again) {
        start(*request);
      } else {
        request->complete(request->result);
      }
    }
  }
}

void UringIo::watch() noexcept {
  if (in_flight_ == 0 || watch_->waiting) return;
  watch_->waiting = true;
  watch_->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                [weak = weak_from_this()](const boost::system::error_code& code) {
                                  const std::shared_ptr<UringIo> self = weak.lock();
                                  if (!self || code) return;
                                  self->watch_->waiting = false;
                                  self->reap();
                                  self->watch();
                                });
}

void UringIo::wait() noexcept {
  if (threads_ && threads_->in_flight() != 0) {
    threads_->wait();
    return;
  }
  if (in_flight_ == 0) return;
  prepare_waiting();
  io_uring_submit_and_wait(&ring_, 1);
  reap();
}

}  // namespace devices
