// What a guest prints on a virtio console until its buffers are back: through queue, device and backend.

#include <cstdlib>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "devices/backend/char/open.h"
#include "devices/virtio/console.h"
#include "tests/support/virtio_guest.h"

namespace {

constexpr unsigned kTransmit = 1;
constexpr unsigned kDepth = 32;  // buffers for each kick

struct NoCommands : devices::TerminalCommands {
  void leave() noexcept override {}
  bool press_power_button() noexcept override { return false; }
  std::string describe_machine() override { return {}; }
};

void print(benchmark::State& state, const std::string& spec, size_t buffer_size, unsigned depth) {
  devices::EventLoop host("host");
  host.start();
  NoCommands commands;
  auto backend = devices::open_char_backend(spec, host, commands);
  if (!backend) return state.SkipWithError(backend.error().message.c_str());
  {
    test::VirtioGuest guest([&](devices::EventLoop& loop) {
      const std::vector<devices::virtio::Console::Port> ports = {{backend->get(), "console", true}};
      return std::make_unique<devices::virtio::Console>(loop, ports);
    });
    guest.start(devices::virtio::kCommonFeatures);
    const std::string text(buffer_size, 'x');
    const test::Request request = guest.request().readable(test::bytes_of_text(text));
    for (auto _ : state) {
      for (unsigned i = 1; i < depth; ++i) guest.queue(kTransmit).submit(request);
      guest.submit(kTransmit, request);  // and one kick for all
      for (unsigned done = 0; done < depth;) done += guest.queue(kTransmit).take_used().has_value();
    }
    state.SetBytesProcessed(state.iterations() * depth * static_cast<int64_t>(buffer_size));
  }
  backend->reset();
}

void to_file(benchmark::State& state, size_t buffer_size, unsigned depth) {
  char path[] = "/tmp/vireo-console-XXXXXX";
  ::close(::mkstemp(path));
  print(state, std::string("file:") + path, buffer_size, depth);
  ::unlink(path);
}

void to_nobody(benchmark::State& state, size_t buffer_size, unsigned depth) {
  print(state, "null", buffer_size, depth);
}

// A page of text is the most that Linux hands over at a time; what a person's program prints is a line.
BENCHMARK_CAPTURE(to_nobody, page, 4096, kDepth)->UseRealTime();
BENCHMARK_CAPTURE(to_nobody, line, 80, kDepth)->UseRealTime();
BENCHMARK_CAPTURE(to_file, page, 4096, kDepth)->UseRealTime();
// From the kick until the guest has its buffer back.
BENCHMARK_CAPTURE(to_nobody, latency, 1, 1u)->UseRealTime();

}  // namespace
