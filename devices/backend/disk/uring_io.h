#pragma once

#include <liburing.h>
#include <memory>

#include "devices/backend/disk/file_io.h"
#include "devices/backend/disk/thread_io.h"

namespace devices {

/// File operations through io_uring: what one turn of the loop starts is handed to the kernel in one system call, and
/// what the page cache answers at once is completed without waiting for the loop's next turn.
class UringIo final : public FileIo, public std::enable_shared_from_this<UringIo> {
 public:
  /// Error: this kernel, or a sandbox around the program, has no io_uring with all that is needed.
  static hv::Result<std::shared_ptr<UringIo>> create(EventLoop& loop);
  ~UringIo() override;

  void start(IoRequest& request) noexcept override;
  void wait() noexcept override;
  size_t in_flight() const noexcept override { return in_flight_ + (threads_ ? threads_->in_flight() : 0); }
  const char* name() const noexcept override { return "io_uring"; }

 private:
  struct Watch;  ///< waits on the loop for completions

  explicit UringIo(EventLoop& loop);
  hv::Result<void> set_up();

  void prepare_waiting() noexcept;
  void prepare(io_uring_sqe& entry, IoRequest& request) noexcept;
  void schedule_submit() noexcept;
  void submit() noexcept;
  void reap() noexcept;
  void watch() noexcept;

  EventLoop& loop_;
  io_uring ring_{};
  bool ring_exists_ = false;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<ThreadIo> threads_;  ///< for Op::call, made when first needed
  IoQueue waiting_;                    ///< not yet in the ring
  size_t in_flight_ = 0;
  bool submit_scheduled_ = false;
};

}  // namespace devices
