#include <cstdlib>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "devices/backend/char/open.h"
#include "devices/event_loop.h"
#include "devices/uart/ns16550.h"

namespace devices {
namespace {

constexpr uint64_t kData = 0;
constexpr uint64_t kFifoControl = 2;
constexpr uint64_t kLineStatus = 5;
constexpr uint64_t kTransmitEmpty = 0x20;
constexpr int kBurst = 16;  ///< a FIFO of bytes for each look at the line status, as Linux's driver does

struct NoCommands : TerminalCommands {
  void leave() noexcept override {}
  bool press_power_button() noexcept override { return false; }
  std::string describe_machine() override { return {}; }
};

void send_bursts(benchmark::State& state, const std::string& spec) {
  EventLoop loop("console");
  loop.start();
  NoCommands commands;
  auto backend = open_char_backend(spec, loop, commands);
  if (!backend) return state.SkipWithError(backend.error().message.c_str());
  {
    Ns16550 uart(**backend, {});
    uart.bus_write(kFifoControl, 1, 1);
    for (auto _ : state) {
      while ((uart.bus_read(kLineStatus, 1) & kTransmitEmpty) == 0) ::usleep(10);
      for (int i = 0; i < kBurst; ++i) uart.bus_write(kData, 1, 'x');
    }
    state.SetBytesProcessed(state.iterations() * kBurst);
  }
  backend->reset();
}

/// What the guest prints on its serial port until it is in a file.
void uart_to_file(benchmark::State& state) {
  char path[] = "/tmp/vireo-console-XXXXXX";
  ::close(::mkstemp(path));
  send_bursts(state, std::string("file:") + path);
  ::unlink(path);
}
BENCHMARK(uart_to_file)->UseRealTime();

/// The register accesses alone.
void uart_to_nobody(benchmark::State& state) { send_bursts(state, "null"); }
BENCHMARK(uart_to_nobody);

}  // namespace
}  // namespace devices
