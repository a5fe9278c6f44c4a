#include "devices/backend/char/pty.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace devices {
namespace {

/// A closed pseudo-terminal reports its hang-up all the time and not when it is opened, so one has to look.
constexpr std::chrono::milliseconds kLookInterval{200};

}  // namespace

/// Looks whether somebody opened the pty, while nobody has. The loop's; outlives the Pty for as long as the loop holds
/// its handler.
struct Pty::Watch {
  Watch(EventLoop& event_loop, hv::UniqueFd fd) : loop(event_loop), master(std::move(fd)), timer(loop.context()) {}

  static void look(const std::shared_ptr<Watch>& watch) {
    if (!watch->stream) return;
    pollfd state{watch->master.get(), POLLIN, 0};
    ::poll(&state, 1, 0);
    const bool is_open = (state.revents & POLLHUP) == 0 || (state.revents & POLLIN) != 0;
    if (is_open && watch->connect()) return;
    look_later(watch);
  }

  static void look_later(const std::shared_ptr<Watch>& watch) {
    watch->timer.expires_after(kLookInterval);
    watch->timer.async_wait([watch](boost::system::error_code failed) {
      if (!failed) look(watch);
    });
  }

  bool connect() {
    hv::UniqueFd in(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
    hv::UniqueFd out(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
    if (!in || !out) return false;
    return stream->connect(HostEnd::own(std::move(in)), HostEnd::own(std::move(out))).has_value();
  }

  EventLoop& loop;
  hv::UniqueFd master;
  std::shared_ptr<Stream> stream;  ///< empty once the Pty is gone
  boost::asio::steady_timer timer;
};

hv::Result<std::unique_ptr<Pty>> Pty::create(EventLoop& loop) {
  hv::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 64> path{};
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), path.data(), path.size()) != 0) {
    return hv::os_error("no pseudo-terminal");
  }
  // Opened and closed once, as only then its master shows a hang-up until somebody else opens it.
  const hv::UniqueFd slave(::open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios attributes{};
  if (!slave || ::tcgetattr(slave.get(), &attributes) != 0) return hv::os_error("{}", path.data());
  ::cfmakeraw(&attributes);
  if (::tcsetattr(slave.get(), TCSANOW, &attributes) != 0) return hv::os_error("{}", path.data());

  auto watch = std::make_shared<Watch>(loop, std::move(master));
  const std::weak_ptr<Watch> weak = watch;
  auto stream = Stream::create(loop, {.name = path.data(), .at_end = Stream::AtEnd::disconnect, .disconnected = [weak] {
                                        if (const auto alive = weak.lock()) Watch::look_later(alive);
                                      }});
  watch->stream = stream;
  loop.run_and_wait([&] { Watch::look_later(watch); });
  return std::unique_ptr<Pty>(new Pty(loop, std::move(stream), std::move(watch), path.data()));
}

Pty::Pty(EventLoop& loop, std::shared_ptr<Stream> stream, std::shared_ptr<Watch> watch, std::string path)
    : StreamBackend(std::move(stream)), loop_(loop), watch_(std::move(watch)), path_(std::move(path)) {}

Pty::~Pty() {
  stream().close();
  loop_.run_and_wait([this] {
    watch_->stream = nullptr;
    watch_->timer.cancel();
  });
}

}  // namespace devices
