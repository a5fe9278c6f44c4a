#include "devices/backend/net/poll_set.h"

#include <array>

#include <boost/asio/io_context.hpp>
#include <sys/epoll.h>

#include "hv/base/unique_fd.h"

namespace devices {

hv::Result<std::unique_ptr<PollSet>> PollSet::create(boost::asio::io_context& context) {
  hv::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return hv::os_error("epoll_create1");
  return std::unique_ptr<PollSet>(new PollSet(context, epoll.release()));
}

void PollSet::add(int fd, uint32_t events) {
  Entry& entry = entries_[fd];
  const bool is_new = entry.generation == 0;
  entry.generation = generation_;
  if (!is_new && entry.wanted == events) return;
  entry.wanted = events;
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.fd = fd;
  // It may have been closed, and its number given to another one.
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd, &wanted) != 0)
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &wanted);
}

void PollSet::commit() noexcept {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.generation == generation_) {
      ++entry;
      continue;
    }
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, entry->first, nullptr);
    entry = entries_.erase(entry);
  }
}

void PollSet::forget(int fd) noexcept {
  if (entries_.erase(fd) != 0) ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
}

void PollSet::wait(std::function<void()> ready) {
  if (*waiting_) return;
  *waiting_ = true;
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [waiting = waiting_, ready = std::move(ready)](const boost::system::error_code& failure) {
                      *waiting = false;
                      if (!failure) ready();
                    });
}

void PollSet::close() noexcept {
  boost::system::error_code ignored;
  epoll_.close(ignored);
}

void PollSet::collect() noexcept {
  for (auto& [fd, entry] : entries_) entry.got = 0;
  std::array<epoll_event, 64> got;
  const int count = ::epoll_wait(epoll_.native_handle(), got.data(), static_cast<int>(got.size()), 0);
  for (int i = 0; i < count; ++i) {
    const auto entry = entries_.find(got[static_cast<size_t>(i)].data.fd);
    if (entry != entries_.end()) entry->second.got = got[static_cast<size_t>(i)].events;
  }
}

uint32_t PollSet::events(int fd) const noexcept {
  const auto entry = entries_.find(fd);
  return entry == entries_.end() ? 0 : entry->second.got;
}

}  // namespace devices
