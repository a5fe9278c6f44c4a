// A virtio-net card as its driver sees it, on a network that sends every frame back: what the guest sends goes through
// the transmit queue, the device, the loopback, the device again and the receive queue.

#include <deque>
#include <sched.h>
#include <vector>

#include <benchmark/benchmark.h>

#include "devices/virtio/net/net_device.h"
#include "tests/support/frames.h"
#include "tests/support/virtio_guest.h"

namespace {

using devices::PacketHeader;
using devices::virtio::net::kReceive;
using devices::virtio::net::kTransmit;

constexpr uint32_t kPage = 4096;
constexpr unsigned kBuffers = 224;  // receive buffers of a page each, as Linux gives them

class Loopback final : public devices::NetBackend {
 public:
  explicit Loopback(bool completes_frames) : completes_frames_(completes_frames) {}
  void attach(devices::NetReceiver* receiver) noexcept override { receiver_ = receiver; }
  bool completes_frames() const noexcept override { return completes_frames_; }
  size_t largest_packet() const noexcept override { return 1500; }
  void set_receive_offloads(const devices::Offloads&) noexcept override {}
  uint16_t mtu() const noexcept override { return 1500; }
  void send(const PacketHeader& header, std::span<const std::byte> frame) override {
    if (waiting_.empty() && receiver_->receive(header, frame)) return;
    waiting_.emplace_back(header, test::Frame(frame.begin(), frame.end()));
  }
  void receiver_ready() override {
    while (!waiting_.empty() && receiver_->receive(waiting_.front().first, waiting_.front().second))
      waiting_.pop_front();
    receiver_->end_burst();
  }

 private:
  const bool completes_frames_;
  devices::NetReceiver* receiver_ = nullptr;
  std::deque<std::pair<PacketHeader, test::Frame>> waiting_;
};

class Driver {
 public:
  Driver(bool completes_frames, size_t payload)
      : guest_([&](devices::EventLoop& loop) {
          return std::make_unique<devices::virtio::NetDevice>(loop, std::make_unique<Loopback>(completes_frames),
                                                              devices::virtio::NetDevice::Options{});
        }),
        packet_(make_packet(payload)) {
    guest_.start(guest_.device_features() & ~devices::virtio::kFeaturePackedRing);
    for (unsigned i = 0; i < kBuffers; ++i) buffers_.push_back(guest_.request().writable(kPage));
    buffer_of_.resize(guest_.queue(kReceive).config().size);
    for (unsigned i = 0; i < kBuffers; ++i) offer(i);
  }

  void send() { guest_.submit(kTransmit, packet_); }

  /// The bytes of frames that have come back; their buffers are offered again.
  size_t receive() {
    while (guest_.queue(kTransmit).take_used()) --sending_;
    size_t bytes = 0;
    while (const std::optional<test::Used> used = guest_.queue(kReceive).take_used()) {
      bytes += used->written;
      offer(buffer_of_[used->id]);
    }
    return bytes;
  }

  void send_when_possible(unsigned depth) {
    if (sending_ >= static_cast<int>(depth)) return;
    ++sending_;
    send();
  }

 private:
  test::Request make_packet(size_t payload) {
    const test::Frame frame = test::FrameBuilder(test::kOtherMac, test::kGuestMac, 0x0800)
                                  .ipv4(test::kGuestIp, test::kGatewayIp, 6, 20 + payload)
                                  .tcp(1, 16)
                                  .fill(payload)
                                  .frame();
    const PacketHeader header =
        payload > 1460 ? test::segmented(PacketHeader::kTcp4, 34, 1446) : test::segmented(PacketHeader::kNone, 34, 0);
    test::Request request = guest_.request().readable(test::bytes_of(header));
    for (size_t done = 0; done < frame.size(); done += kPage)
      request.readable(std::span(frame).subspan(done, std::min<size_t>(kPage, frame.size() - done)));
    return request;
  }

  void offer(unsigned buffer) { buffer_of_[guest_.submit(kReceive, buffers_[buffer])] = buffer; }

  test::VirtioGuest guest_;
  test::Request packet_;
  std::vector<test::Request> buffers_;
  std::vector<unsigned> buffer_of_;
  int sending_ = 0;
};

/// Payload there and back, in bytes for each second. `completes_frames` false: the device does checksums and segments.
void throughput(benchmark::State& state, bool completes_frames, size_t payload, unsigned depth) {
  constexpr size_t kPortion = 1 << 20;
  Driver driver(completes_frames, payload);
  size_t received = 0;
  for (auto _ : state) {
    for (const size_t goal = received + kPortion; received < goal;) {
      driver.send_when_possible(depth);
      const size_t now = driver.receive();
      if (now == 0) ::sched_yield();
      received += now;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(received));
  state.counters["Gb/s"] = benchmark::Counter(static_cast<double>(received) * 8e-9, benchmark::Counter::kIsRate);
}

/// From the kick until the frame is back.
void latency(benchmark::State& state) {
  Driver driver(true, 10);
  for (auto _ : state) {
    driver.send();
    while (driver.receive() == 0) {
    }
  }
}

BENCHMARK_CAPTURE(throughput, segments_by_backend, true, size_t{65000}, 8u)->UseRealTime();
BENCHMARK_CAPTURE(throughput, segments_by_device, false, size_t{65000}, 8u)->UseRealTime();
BENCHMARK_CAPTURE(throughput, frames_of_1500, true, size_t{1446}, 100u)->UseRealTime();
BENCHMARK(latency)->UseRealTime();

}  // namespace
