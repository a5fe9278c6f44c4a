#include "devices/backend/char/fd_poll.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/epoll.h>

#include "hv/base/unique_fd.h"

namespace devices {

namespace asio = boost::asio;

hv::Result<std::unique_ptr<FdPoll>> FdPoll::create(asio::io_context& context, int fd) {
  hv::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return hv::os_error("epoll_create1");
  epoll_event nothing{};
  nothing.events = EPOLLONESHOT;
  bool always_ready = false;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &nothing) != 0) {
    if (errno != EPERM) return hv::os_error("epoll_ctl");
    always_ready = true;
  }
  return std::unique_ptr<FdPoll>(new FdPoll(context, epoll.release(), fd, always_ready));
}

FdPoll::FdPoll(asio::io_context& context, int epoll_fd, int fd, bool always_ready)
    : epoll_(context, epoll_fd), fd_(fd), always_ready_(always_ready) {}

asio::awaitable<uint32_t> FdPoll::wait(uint32_t events) {
  if (always_ready_) {
    co_await asio::post(epoll_.get_executor(), asio::use_awaitable);
    co_return events;
  }
  epoll_event wanted{};
  wanted.events = events | EPOLLONESHOT;
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd_, &wanted) != 0) co_return 0;
  for (;;) {
    const auto [failed] =
        co_await epoll_.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
    if (failed) co_return 0;
    epoll_event got{};
    if (::epoll_wait(epoll_.native_handle(), &got, 1, 0) == 1) co_return uint32_t{got.events};
  }
}

void FdPoll::cancel() noexcept {
  boost::system::error_code ignored;
  epoll_.cancel(ignored);
}

}  // namespace devices
