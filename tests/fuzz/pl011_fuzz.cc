#include <algorithm>
#include <array>

#include "devices/uart/pl011.h"
#include "tests/fuzz/mmio.h"

namespace {

/// Takes bytes while there is room; keeps the promises of CharBackend to the device.
struct Backend : devices::CharBackend {
  size_t write(std::span<const std::byte> data) noexcept override {
    const size_t count = std::min(room, data.size());
    room -= count;
    return count;
  }
  void input_ready() noexcept override {}
  void attach(devices::CharDevice*) noexcept override {}
  bool connected() const noexcept override { return true; }
  size_t room = 0;
};

}  // namespace

/// A guest that accesses the port as it likes, while the other end types and breaks.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::MmioScript script({data, size});
  Backend backend;
  devices::Pl011 uart(backend, {});
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
    } else if (action < 60) {
      uart.break_received();
    }
    script.access(uart, devices::Pl011::kSize);
  }
  backend.room = 0;
  devices::Pl011 other(backend, {});
  devices::check_round_trip(uart, other);
  return 0;
}
