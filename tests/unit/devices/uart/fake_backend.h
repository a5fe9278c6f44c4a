#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "devices/backend/char_backend.h"

namespace devices {

/// A backend that keeps what the guest sent, up to `room` bytes.
struct FakeBackend : CharBackend {
  size_t write(std::span<const std::byte> data) noexcept override {
    const size_t count = std::min(data.size(), room);
    room -= count;
    for (const std::byte byte : data.first(count)) sent += static_cast<char>(byte);
    return count;
  }
  void input_ready() noexcept override { ++input_requests; }
  void attach(CharDevice* to) noexcept override { device = to; }
  bool connected() const noexcept override { return is_connected; }

  std::string sent;
  size_t room = 1'000'000;
  std::atomic<int> input_requests = 0;
  bool is_connected = true;
  CharDevice* device = nullptr;
};

/// Gives `uart` what it takes of `text`; returns how much that was.
inline size_t type_into(CharDevice& uart, std::string_view text) {
  const size_t count = std::min(text.size(), uart.can_accept());
  if (count != 0) uart.receive(std::as_bytes(std::span(text.substr(0, count))));
  return count;
}

}  // namespace devices
