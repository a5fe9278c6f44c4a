#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "hv/base/result.h"

namespace devices {

/// poll() on an event loop: a set of file descriptors that somebody else opens and closes, waited for together.
/// The descriptors are in one epoll instance, which is what Asio waits for. Belongs to the loop.
class PollSet {
 public:
  /// Error: no file descriptor left.
  static hv::Result<std::unique_ptr<PollSet>> create(boost::asio::io_context& context);

  /// Between `begin` and `commit`, each descriptor that is to be waited for is added with its events (EPOLLIN, ...).
  void begin() noexcept { ++generation_; }
  void add(int fd, uint32_t events);
  void commit() noexcept;
  /// The descriptor is about to be closed.
  void forget(int fd) noexcept;

  /// Calls `ready` once when any of them has an event, unless it is waiting already; never after `close`.
  void wait(std::function<void()> ready);
  void close() noexcept;

  /// Looks what there is, for `events`.
  void collect() noexcept;
  uint32_t events(int fd) const noexcept;

 private:
  struct Entry {
    uint32_t wanted = 0;
    uint32_t got = 0;
    uint64_t generation = 0;
  };

  PollSet(boost::asio::io_context& context, int epoll_fd) : epoll_(context, epoll_fd) {}

  boost::asio::posix::stream_descriptor epoll_;
  std::unordered_map<int, Entry> entries_;
  uint64_t generation_ = 0;
  std::shared_ptr<bool> waiting_ = std::make_shared<bool>(false);
};

}  // namespace devices
