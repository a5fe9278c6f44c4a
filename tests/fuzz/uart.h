#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "devices/backend/char_backend.h"
#include "tests/fuzz/mmio.h"

namespace devices {

/// Takes bytes while there is room; keeps the promises of CharBackend to the device.
struct FuzzedBackend : CharBackend {
  size_t write(std::span<const std::byte> data) noexcept override {
    const size_t count = std::min(room, data.size());
    room -= count;
    return count;
  }
  void input_ready() noexcept override {}
  void attach(CharDevice*) noexcept override {}
  bool connected() const noexcept override { return true; }
  size_t room = 0;
};

/// A guest that accesses the port as it likes, while the other end types, breaks, comes and goes.
template <class Uart>
void fuzz_uart(std::span<const uint8_t> data, uint64_t range) {
  MmioScript script(data);
  FuzzedBackend backend;
  Uart uart(backend, {});
  while (!script.ended()) {
    const auto action = script.next<uint8_t>();
    if (action < 32) {
      const std::array<std::byte, 64> typed{};
      const size_t count = uart.can_accept();
      CHECK(count <= typed.size());
      if (count != 0) uart.receive(std::span(typed).first(std::min<size_t>(count, 1 + action)));
    } else if (action < 48) {
      backend.room = action;
      uart.output_ready();
    } else if (action < 56) {
      uart.connection_changed(action % 2 == 0);
    } else if (action < 60) {
      uart.break_received();
    }
    script.access(uart, range);
  }
  backend.room = 0;
  Uart other(backend, {});
  check_round_trip(uart, other);
}

}  // namespace devices
