#include "devices/backend/char/unix_server.h"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace devices {
namespace {

constexpr std::chrono::milliseconds kRetryInterval{200};

hv::UniqueFd new_socket() { return hv::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Makes way for a new socket file. Error: something else is there, or somebody listens on it.
hv::Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return hv::error("{}: exists and is not a socket", path);
  const hv::UniqueFd probe = new_socket();
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED)
    return hv::error("{}: another program listens on it", path);
  if (::unlink(path.c_str()) != 0) return hv::os_error("{}: the old socket file cannot be removed", path);
  return {};
}

}  // namespace

/// Accepts a client whenever there is none. The loop's; outlives the UnixServer for as long as the loop holds a
/// coroutine.
struct UnixServer::Listener {
  static void accept_next(const std::shared_ptr<Listener>& listener) {
    boost::asio::co_spawn(listener->loop.context(), accept(listener), boost::asio::detached);
  }

  static boost::asio::awaitable<void> accept(std::shared_ptr<Listener> listener) {
    while (listener->stream) {
      hv::UniqueFd client(::accept4(listener->fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client) {
        hv::UniqueFd out(::fcntl(client.get(), F_DUPFD_CLOEXEC, 0));
        if (out && listener->stream->connect(HostEnd::own(std::move(client)), HostEnd::own(std::move(out)))) co_return;
        continue;
      }
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        // No descriptor left, say: the client stays in the queue.
        boost::asio::steady_timer timer(listener->loop.context(), kRetryInterval);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        continue;
      }
      co_await listener->poll->wait(EPOLLIN);
    }
  }

  EventLoop& loop;
  hv::UniqueFd fd;
  std::unique_ptr<FdPoll> poll;
  std::shared_ptr<Stream> stream;  ///< empty once the UnixServer is gone
};

hv::Result<std::unique_ptr<UnixServer>> UnixServer::create(EventLoop& loop, std::string path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return hv::error("unix:{}: a socket's path has 1 to {} characters", path, sizeof address.sun_path - 1);
  }
  path.copy(address.sun_path, path.size());
  TRY(remove_stale(path, address));
  hv::UniqueFd fd = new_socket();
  // The socket file takes its permissions from here: who connects controls the guest.
  if (!fd || ::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 || ::bind(fd.get(), generic(address), sizeof address) != 0 ||
      ::listen(fd.get(), 4) != 0) {
    return hv::os_error("{}", path);
  }
  auto poll = TRY(FdPoll::create(loop.context(), fd.get()));
  auto listener = std::make_shared<Listener>(Listener{loop, std::move(fd), std::move(poll), nullptr});
  const std::weak_ptr<Listener> weak = listener;
  auto stream = Stream::create(loop, {.name = path, .at_end = Stream::AtEnd::wait_for_hang_up, .disconnected = [weak] {
                                        if (const auto alive = weak.lock()) Listener::accept_next(alive);
                                      }});
  listener->stream = stream;
  loop.run_and_wait([&] { Listener::accept_next(listener); });
  return std::unique_ptr<UnixServer>(new UnixServer(loop, std::move(stream), std::move(listener), std::move(path)));
}

UnixServer::UnixServer(EventLoop& loop, std::shared_ptr<Stream> stream, std::shared_ptr<Listener> listener,
                       std::string path)
    : StreamBackend(std::move(stream)), loop_(loop), listener_(std::move(listener)), path_(std::move(path)) {}

UnixServer::~UnixServer() {
  stream().close();
  loop_.run_and_wait([this] {
    listener_->stream = nullptr;
    listener_->poll->cancel();
    listener_->fd.reset();
  });
  ::unlink(path_.c_str());
}

}  // namespace devices
