// What the device's end of a virtqueue costs: one buffer popped, a word of it read, an answer written, and completed.
// The driver's end is not timed. Batches of buffers are made available; with `batch` they are also shown back at once.

#include <cstdlib>
#include <time.h>

#include <benchmark/benchmark.h>

#include "devices/virtio/features.h"
#include "devices/virtio/virtqueue.h"
#include "tests/support/driver_queue.h"

namespace {

using namespace devices::virtio;

constexpr uint16_t kQueueSize = 256;
constexpr int kBuffers = 64;

struct Case {
  uint64_t features;
  int readable;
  int writable;
  bool indirect;
  bool batch;
};

uint32_t answer(Virtqueue& queue) {
  auto popped = queue.pop();
  if (!popped || !*popped) std::abort();
  const auto word = (*popped)->read_object<uint32_t>(0);
  (*popped)->write_object(0, word.value_or(1));
  (*popped)->complete(sizeof(uint32_t));
  return word.value_or(0);
}

// CPU time of this thread: what else runs on the machine does not count.
double thread_seconds() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void serve(Virtqueue& queue, bool batch) {
  std::optional<Virtqueue::Batch> shown_at_once;
  if (batch) shown_at_once.emplace(queue);
  for (int i = 0; i < kBuffers; ++i) benchmark::DoNotOptimize(answer(queue));
}

void turn_around(benchmark::State& state, Case what) {
  test::GuestRam ram;
  const uint64_t features = kFeatureVersion1 | kFeatureIndirectDescriptors | what.features;
  const auto driver = test::DriverQueue::create(ram, kQueueSize, features);
  uint64_t interrupts = 0;
  const auto queue = *Virtqueue::create(driver->config(), features, ram.memory(), [&] { ++interrupts; });
  test::Request request(ram);
  for (int i = 0; i < what.readable; ++i) request.readable(test::bytes_of(uint64_t{1}));
  for (int i = 0; i < what.writable; ++i) request.writable(512);
  if (what.indirect) request.indirect();
  const uint64_t mark = ram.mark();
  for (auto _ : state) {
    ram.free_to(mark);
    for (int i = 0; i < kBuffers; ++i) driver->submit(request);
    const double start = thread_seconds();
    serve(*queue, what.batch);
    state.SetIterationTime(thread_seconds() - start);
    while (driver->take_used()) {
    }
  }
  state.SetItemsProcessed(state.iterations() * kBuffers);
  state.counters["seconds_per_buffer"] = benchmark::Counter(static_cast<double>(state.iterations()) * kBuffers,
                                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["interrupts_per_buffer"] =
      static_cast<double>(interrupts) / static_cast<double>(state.iterations() * kBuffers);
}

constexpr Case kOne{0, 0, 1, false, false};
constexpr Case kThree{0, 1, 2, false, false};

constexpr Case with(Case what, uint64_t features, bool indirect = false, bool batch = false) {
  return {features, what.readable, what.writable, indirect, batch};
}

#define TURN_AROUND(name, ...) BENCHMARK_CAPTURE(turn_around, name, __VA_ARGS__)->UseManualTime()
TURN_AROUND(split_1, with(kOne, kFeatureEventIndex));
TURN_AROUND(split_3, with(kThree, kFeatureEventIndex));
TURN_AROUND(split_3_indirect, with(kThree, kFeatureEventIndex, true));
TURN_AROUND(split_1_batch, with(kOne, kFeatureEventIndex, false, true));
TURN_AROUND(split_1_without_event_index, with(kOne, 0));
TURN_AROUND(packed_1, with(kOne, kFeaturePackedRing | kFeatureEventIndex));
TURN_AROUND(packed_3, with(kThree, kFeaturePackedRing | kFeatureEventIndex));
TURN_AROUND(packed_3_indirect, with(kThree, kFeaturePackedRing | kFeatureEventIndex, true));
TURN_AROUND(packed_1_batch, with(kOne, kFeaturePackedRing | kFeatureEventIndex, false, true));

}  // namespace
