#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "devices/backend/char/fd_poll.h"
#include "devices/backend/char/host_end.h"
#include "devices/backend/char/output_buffer.h"
#include "devices/backend/char_backend.h"
#include "devices/event_loop.h"
#include "hv/base/log.h"

namespace devices {

/// Moves bytes between a CharDevice and host file descriptors, on an event loop: what every character backend does.
///
/// `write`, `input_ready` and `connected` belong to every thread; the rest to the loop, or to the owner while it stands
/// still. Coroutines keep the object alive until the loop has run or gone; after `close` they touch nothing but it.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class AtEnd {
    keep_output,       ///< the end of input does not end the output (stdin, stdout)
    disconnect,        ///< there is nobody any more (pty)
    wait_for_hang_up,  ///< the peer may have closed one direction only (socket)
  };
  struct Behaviour {
    std::string name;  ///< for messages
    AtEnd at_end = AtEnd::keep_output;
    /// Appends to `out` what of the input is for the device. Where there is one, input is also read, and what does not
    /// fit dropped, when the device takes nothing for long: an escape key always works.
    std::function<void(std::span<const std::byte> in, std::vector<std::byte>& out)> filter = nullptr;
    std::function<void()> disconnected = nullptr;  ///< the connection ended by itself
  };

  static std::shared_ptr<Stream> create(EventLoop& loop, Behaviour behaviour);

  size_t write(std::span<const std::byte> data) noexcept;
  void input_ready() noexcept;
  bool connected() const noexcept { return connected_.load(std::memory_order_acquire); }

  void attach(CharDevice* device) noexcept;
  CharDevice* device() const noexcept { return device_; }

  /// Starts to move bytes. `in` may be empty. Error: no file descriptor left.
  hv::Result<void> connect(HostEnd in, HostEnd out);
  /// Says something to the person at the other end; dropped where there is no room.
  void print(std::string_view text);
  /// For the owner's destructor, from any thread but a callback: writes out what is left, for a second at most, and
  /// ends.
  void close() noexcept;

 private:
  struct Connection {
    HostEnd in;
    HostEnd out;
    std::unique_ptr<FdPoll> in_poll;
    std::unique_ptr<FdPoll> out_poll;
    std::vector<std::byte> chunk;  ///< taken from the buffer and being written
    size_t chunk_done = 0;
    bool open = true;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;
  using Task = boost::asio::awaitable<void>;

  Stream(EventLoop& loop, Behaviour behaviour);

  static Task read_loop(std::shared_ptr<Stream> self, ConnectionPtr connection);
  static Task write_loop(std::shared_ptr<Stream> self, ConnectionPtr connection);
  Task pause(boost::asio::steady_timer& timer, std::chrono::steady_clock::duration length);

  void take_input(std::span<const std::byte> data);
  void deliver() noexcept;
  void write_failed(Connection& connection, int code);
  void disconnect(Connection& connection);
  void drain(Connection& connection) noexcept;
  bool in_background(const HostEnd& end) const noexcept;

  EventLoop& loop_;
  Behaviour behaviour_;
  std::atomic<bool> connected_{false};
  OutputBuffer output_;

  // The loop's.
  CharDevice* device_ = nullptr;
  ConnectionPtr connection_;
  std::vector<std::byte> input_;  ///< read and not yet taken by the device
  boost::asio::steady_timer input_timer_;
  boost::asio::steady_timer output_timer_;
  hv::log::GuestError write_error_;
};

/// A CharBackend that stands on a Stream. A derived class calls `stream().close()` in its destructor.
class StreamBackend : public CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override { return stream_->write(data); }
  void input_ready() noexcept override { stream_->input_ready(); }
  void attach(CharDevice* device) noexcept override { stream_->attach(device); }
  bool connected() const noexcept override { return stream_->connected(); }

 protected:
  explicit StreamBackend(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  Stream& stream() const noexcept { return *stream_; }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace devices
