#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace devices {

struct WindowSize {
  uint16_t columns = 0;
  uint16_t rows = 0;
  friend bool operator==(const WindowSize&, const WindowSize&) = default;
};

/// The guest's end of a character stream: a serial port, or a port of a virtio console. The backend calls it on its
/// event loop, one call at a time and with none of its own locks held that `CharBackend::write` or `input_ready` take,
/// so a device may call those two from inside, also with its own lock held. No function waits.
class CharDevice {
 public:
  virtual ~CharDevice() = default;

  /// How many bytes `receive` takes now. After 0 the device calls `CharBackend::input_ready` once that has changed.
  virtual size_t can_accept() const noexcept = 0;
  /// Input for the guest: at most as many bytes as `can_accept` just said.
  virtual void receive(std::span<const std::byte> data) noexcept = 0;
  /// There is room again after a short `CharBackend::write`.
  virtual void output_ready() noexcept = 0;

  virtual void connection_changed(bool /*connected*/) noexcept {}
  virtual void window_changed(WindowSize /*size*/) noexcept {}
  /// The person asked for a serial break.
  virtual void break_received() noexcept {}
};

/// The host's end of a character stream: the terminal, a pty, a socket, a file. It outlives the device attached to it.
class CharBackend {
 public:
  virtual ~CharBackend() = default;

  /// Takes as many bytes as there is room for, from the front, and returns how many. Never waits. When that is not all,
  /// the device's `output_ready` follows once there is room. Bytes are dropped while nobody is connected. Any thread.
  virtual size_t write(std::span<const std::byte> data) noexcept = 0;

  /// Says that the device accepts bytes again after `can_accept` gave 0. Any thread.
  virtual void input_ready() noexcept = 0;

  /// Connects `device`, or with nullptr nothing; input waits in the host until there is a device. When this returns, no
  /// call to the device before it is still running. Not to be called from one of the device's functions.
  virtual void attach(CharDevice* device) noexcept = 0;

  virtual bool connected() const noexcept = 0;
  /// Where a person finds the other end, if that is not plain: the path of a pty or a socket.
  virtual std::string address() const { return {}; }
  /// The terminal's size where there is one. Any thread.
  virtual std::optional<WindowSize> window_size() const noexcept { return std::nullopt; }
};

}  // namespace devices
