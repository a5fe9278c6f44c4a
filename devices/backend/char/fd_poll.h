#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "hv/base/result.h"

namespace devices {

/// Waits on an event loop for a file descriptor that is shared with other programs: Asio's own wait would set
/// O_NONBLOCK on the open file, and so for everybody who has the terminal open. Belongs to the loop.
class FdPoll {
 public:
  /// `fd` stays open as long as this. Error: no file descriptor left.
  static hv::Result<std::unique_ptr<FdPoll>> create(boost::asio::io_context& context, int fd);

  /// Waits for one of `events` (EPOLLIN, EPOLLOUT), an error or a hang-up, and returns what there is; 0 after `cancel`.
  /// What cannot be waited for (a file, /dev/null) is always ready.
  boost::asio::awaitable<uint32_t> wait(uint32_t events);
  void cancel() noexcept;

 private:
  FdPoll(boost::asio::io_context& context, int epoll_fd, int fd, bool always_ready);

  boost::asio::posix::stream_descriptor epoll_;
  int fd_;
  bool always_ready_;
};

}  // namespace devices
