#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/backend/char_backend.h"
#include "devices/virtio/virtqueue.h"
#include "hv/core/state_io.h"

namespace devices::virtio {

/// What happened to a port on the host's side.
enum class PortEvent { input, room_for_output, connection, window };

/// One port of a console between its backend and the queues: input that waits for the guest's buffers, and a buffer of
/// output that the backend had no room for.
///
/// The backend calls it on the backend's loop, which need not be the device's: input_ has a lock. The rest is the
/// device's loop's.
class ConsolePort final : private CharDevice {
 public:
  /// `on_event` may be called on any thread.
  ConsolePort(CharBackend& backend, std::string name, bool is_console, std::function<void(PortEvent)> on_event);
  ~ConsolePort() override;

  const std::string& name() const noexcept { return name_; }
  bool is_console() const noexcept { return is_console_; }
  bool connected() const noexcept { return backend_.connected(); }
  std::optional<WindowSize> window_size() const noexcept { return backend_.window_size(); }

  /// Whether the guest listens. Input stays in the host while it does not.
  void set_open(bool open);
  bool is_open() const;

  /// Moves input into a buffer of the guest's; false when there is none.
  bool has_input() const;
  uint32_t fill(DescriptorChain& chain);

  /// Gives a buffer of output to the backend; false when a part of it has to wait. No other follows before it is done.
  bool send(DescriptorChain chain);
  bool send_rest();
  bool is_sending() const noexcept { return sending_.has_value(); }
  /// Writes what is not worth waiting for: the early output of a guest without a driver.
  void send_byte(std::byte byte) noexcept { backend_.write({&byte, 1}); }

  /// Forgets the guest: no buffers, no input, not open.
  void reset();

  void save(hv::StateWriter& writer) const;
  void load(hv::StateReader& reader);

 private:
  size_t can_accept() const noexcept override;
  void receive(std::span<const std::byte> data) noexcept override;
  void output_ready() noexcept override { on_event_(PortEvent::room_for_output); }
  void connection_changed(bool /*connected*/) noexcept override { on_event_(PortEvent::connection); }
  void window_changed(WindowSize /*size*/) noexcept override { on_event_(PortEvent::window); }

  CharBackend& backend_;
  const std::string name_;
  const bool is_console_;
  const std::function<void(PortEvent)> on_event_;

  mutable std::mutex input_mutex_;
  std::vector<std::byte> input_;
  size_t input_start_ = 0;  ///< what is before it is with the guest
  bool open_ = false;
  mutable bool backend_waits_ = false;  ///< it was told that nothing is accepted

  std::optional<DescriptorChain> sending_;
  uint32_t sent_ = 0;  ///< bytes of `sending_`, or after a load of the first buffer, that the backend has
};

}  // namespace devices::virtio
