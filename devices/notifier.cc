#include "devices/notifier.h"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/eventfd.h>

#include "devices/event_loop.h"
#include "hv/base/unique_fd.h"

namespace devices {

// Lives as long as the wait that is under way, which may end after the Notifier.
struct Notifier::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, int fd, std::function<void()> handler)
      : descriptor(loop.context(), fd), handler(std::move(handler)) {}

  void wait() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& failure) {
                            if (!failure && !self->closed) self->ring();
                          });
  }

  void ring() {
    uint64_t count = 0;
    const bool rung = ::read(descriptor.native_handle(), &count, sizeof count) == sizeof count;
    if (rung) handler();
    if (!closed) wait();
  }

  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> handler;
  bool closed = false;  ///< the loop's
};

hv::Result<std::unique_ptr<Notifier>> Notifier::create(EventLoop& loop, std::function<void()> handler) {
  hv::UniqueFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return hv::os_error("an eventfd");
  auto state = std::make_shared<State>(loop, fd.release(), std::move(handler));
  state->wait();
  return std::unique_ptr<Notifier>(new Notifier(std::move(state)));
}

Notifier::Notifier(std::shared_ptr<State> state) : state_(std::move(state)) {}

Notifier::~Notifier() {
  state_->closed = true;
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

void Notifier::notify() noexcept {
  // It fails only when the counter is at its limit, and the handler runs then anyway.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->descriptor.native_handle(), &one, sizeof one);
}

int Notifier::fd() const noexcept { return state_->descriptor.native_handle(); }

}  // namespace devices
