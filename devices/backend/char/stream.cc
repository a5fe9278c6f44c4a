#include "devices/backend/char/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/epoll.h>

namespace devices {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr size_t kReadSize = 4096;
constexpr size_t kInputLimit = kReadSize;
constexpr size_t kFilteredInputLimit = size_t{64} << 10;  ///< what may be typed or pasted ahead

/// A burst of single bytes becomes one write: after each write the loop waits this long for more.
constexpr auto kLinger = 1ms;
constexpr auto kNever = 24h * 365;
constexpr auto kStalled = 500ms;     ///< a device that takes no input for this long
constexpr auto kBackground = 500ms;  ///< how often a background program tries to read its terminal
constexpr auto kLastWrites = 1s;

bool would_wait(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

}  // namespace

std::shared_ptr<Stream> Stream::create(EventLoop& loop, Behaviour behaviour) {
  return std::shared_ptr<Stream>(new Stream(loop, std::move(behaviour)));
}

Stream::Stream(EventLoop& loop, Behaviour behaviour)
    : loop_(loop), behaviour_(std::move(behaviour)), input_timer_(loop.context()), output_timer_(loop.context()) {}

size_t Stream::write(std::span<const std::byte> data) noexcept {
  if (!connected()) return data.size();
  const auto [taken, wake] = output_.push(data);
  if (wake) loop_.post([self = shared_from_this()] { self->output_timer_.cancel(); });
  return taken;
}

void Stream::input_ready() noexcept {
  loop_.post([self = shared_from_this()] {
    self->deliver();
    self->input_timer_.cancel();
  });
}

void Stream::attach(CharDevice* device) noexcept {
  loop_.run_and_wait([&] { device_ = device; });
  if (device != nullptr) input_ready();
}

hv::Result<void> Stream::connect(HostEnd in, HostEnd out) {
  auto connection = std::make_shared<Connection>();
  connection->in = std::move(in);
  connection->out = std::move(out);
  if (connection->in) connection->in_poll = TRY(FdPoll::create(loop_.context(), connection->in.fd.get()));
  connection->out_poll = TRY(FdPoll::create(loop_.context(), connection->out.fd.get()));
  connection_ = connection;
  connected_.store(true, std::memory_order_release);
  asio::co_spawn(loop_.context(), write_loop(shared_from_this(), connection), asio::detached);
  if (connection->in) asio::co_spawn(loop_.context(), read_loop(shared_from_this(), connection), asio::detached);
  if (device_ != nullptr) device_->connection_changed(true);
  return {};
}

void Stream::print(std::string_view text) { write(std::as_bytes(std::span(text))); }

/// Sleeps until `length` has passed or the timer is cancelled.
Stream::Task Stream::pause(asio::steady_timer& timer, steady_clock::duration length) {
  timer.expires_after(length);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

Stream::Task Stream::read_loop(std::shared_ptr<Stream> self, ConnectionPtr connection) {
  const bool filtered = static_cast<bool>(self->behaviour_.filter);
  const size_t limit = filtered ? kFilteredInputLimit : kInputLimit;
  std::array<std::byte, kReadSize> buffer;
  bool stalled = false;  // the device takes nothing: only escape keys count
  while (connection->open) {
    self->deliver();
    if (self->input_.size() < limit) {
      stalled = false;
    } else if (!stalled) {
      co_await self->pause(self->input_timer_, filtered ? steady_clock::duration(kStalled) : kNever);
      if (!connection->open) co_return;
      stalled = filtered && self->input_.size() >= limit;
      if (!stalled) continue;
    }
    co_await connection->in_poll->wait(EPOLLIN);
    if (!connection->open) co_return;
    const size_t room = stalled ? kReadSize : std::min(kReadSize, limit - self->input_.size());
    const ssize_t count = connection->in.read(std::span(buffer).first(room));
    const int code = errno;
    if (count > 0) {
      self->take_input(std::span(buffer).first(static_cast<size_t>(count)));
    } else if (count < 0 && self->in_background(connection->in)) {
      co_await self->pause(self->input_timer_, kBackground);
    } else if (count == 0 || !would_wait(code)) {
      break;
    }
  }
  if (self->behaviour_.at_end == AtEnd::keep_output) co_return;
  if (self->behaviour_.at_end == AtEnd::wait_for_hang_up && connection->open) co_await connection->in_poll->wait(0);
  if (connection->open) self->disconnect(*connection);
}

Stream::Task Stream::write_loop(std::shared_ptr<Stream> self, ConnectionPtr connection) {
  Connection& c = *connection;
  while (c.open) {
    if (c.chunk_done == c.chunk.size()) {
      c.chunk.clear();
      c.chunk_done = 0;
      const bool any = self->output_.take(c.chunk);
      if (self->output_.was_short() && self->device_ != nullptr) self->device_->output_ready();
      if (!any) {
        co_await self->pause(self->output_timer_, kNever);
        continue;
      }
    }
    const ssize_t count = c.out.write(std::span(c.chunk).subspan(c.chunk_done));
    const int code = errno;
    if (count < 0 && would_wait(code)) {
      co_await c.out_poll->wait(EPOLLOUT);
      continue;
    }
    if (count < 0) {
      self->write_failed(c, code);
      continue;
    }
    c.chunk_done += static_cast<size_t>(count);
    if (c.chunk_done != c.chunk.size()) continue;
    self->output_.linger();
    co_await self->pause(self->output_timer_, kLinger);
  }
}

void Stream::take_input(std::span<const std::byte> data) {
  if (behaviour_.filter) {
    behaviour_.filter(data, input_);
    if (input_.size() > kFilteredInputLimit) input_.resize(kFilteredInputLimit);
  } else {
    input_.insert(input_.end(), data.begin(), data.end());
  }
}

void Stream::deliver() noexcept {
  size_t done = 0;
  while (device_ != nullptr && done < input_.size()) {
    const size_t count = std::min(device_->can_accept(), input_.size() - done);
    if (count == 0) break;
    device_->receive(std::span(input_).subspan(done, count));
    done += count;
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(done));
}

/// A terminal or a file loses this output and goes on; a peer that is gone is gone.
void Stream::write_failed(Connection& connection, int code) {
  connection.chunk_done = connection.chunk.size();
  if (behaviour_.at_end != AtEnd::keep_output) return disconnect(connection);
  if (write_error_.first()) hv::log::warn("{}: output is lost: {}", behaviour_.name, std::strerror(code));
}

void Stream::disconnect(Connection& connection) {
  connection.open = false;
  connected_.store(false, std::memory_order_release);
  if (connection.in_poll) connection.in_poll->cancel();
  connection.out_poll->cancel();
  input_timer_.cancel();
  output_timer_.cancel();
  output_.clear();
  connection_ = nullptr;
  if (device_ != nullptr) {
    device_->connection_changed(false);
    if (output_.was_short()) device_->output_ready();
  }
  if (behaviour_.disconnected) behaviour_.disconnected();
}

void Stream::close() noexcept {
  loop_.run_and_wait([this] {
    behaviour_.disconnected = nullptr;
    if (!connection_) return;
    const ConnectionPtr connection = connection_;
    drain(*connection);
    disconnect(*connection);
    // The frames that still hold the connection must not keep the descriptors.
    connection->in_poll = nullptr;
    connection->out_poll = nullptr;
    connection->in.fd.reset();
    connection->out.fd.reset();
  });
}

void Stream::drain(Connection& c) noexcept {
  const auto deadline = steady_clock::now() + kLastWrites;
  for (;;) {
    if (c.chunk_done == c.chunk.size()) {
      c.chunk.clear();
      c.chunk_done = 0;
      if (!output_.take(c.chunk)) return;
    }
    const ssize_t count = c.out.write(std::span(c.chunk).subspan(c.chunk_done));
    if (count >= 0) {
      c.chunk_done += static_cast<size_t>(count);
      continue;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (!would_wait(errno) || left.count() <= 0) return;
    pollfd ready{c.out.fd.get(), POLLOUT, 0};
    ::poll(&ready, 1, static_cast<int>(left.count()));
  }
}

/// The kernel refuses a background program's read of its terminal with EIO when SIGTTIN is blocked, as on a loop's
/// thread.
bool Stream::in_background(const HostEnd& end) const noexcept {
  if (!end.is_terminal) return false;
  const pid_t group = ::tcgetpgrp(end.fd.get());
  return group > 0 && group != ::getpgrp();
}

}  // namespace devices
