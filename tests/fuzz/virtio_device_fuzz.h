#pragma once

#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "devices/event_loop.h"
#include "devices/virtio/mmio_transport.h"
#include "hv/base/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/driver_queue.h"

namespace test {

/// A device behind the MMIO transport, and a guest that does what the input says: accesses to registers and the
/// configuration space, buffers of any kind, bytes anywhere in its rings, kicks, resets, and a save and load in
/// between. The loop has no thread: it runs when the input says so, so that a crash comes again.
class VirtioDeviceFuzz {
 public:
  template <typename Make>
  explicit VirtioDeviceFuzz(const Make& make) : make_([this, make] { return make(loop_); }) {
    [[maybe_unused]] static const bool quiet = (hv::log::set_up(hv::log::Verbosity::quiet), true);
    transport_ = make_transport();
  }

  devices::virtio::VirtioDevice& device() { return transport_->device(); }

  void run(FuzzInput input) {
    // Half of the inputs find the device running, since few would get there by themselves.
    const auto mode = input.take<uint8_t>();
    if ((mode & 1) != 0) start((mode & 2) != 0 ? ~uint64_t{0} : ~devices::virtio::kFeaturePackedRing);
    while (!input.empty()) step(input);
    turn();
  }

 private:
  static constexpr uint16_t kQueueSize = 8;
  static constexpr uint64_t kRings = 64 << 10;  // pokes go to the first part of memory, where the rings are

  std::unique_ptr<devices::virtio::MmioTransport> make_transport() {
    return std::move(devices::virtio::MmioTransport::create(make_(), ram_.memory(), hv::InterruptLine()).value());
  }

  void write(uint64_t offset, uint64_t value) { transport_->bus_write(offset, 4, value & 0xffff'ffff); }

  void start(uint64_t wanted) {
    const uint64_t features = device().device_features() & wanted;
    for (const uint64_t half : {0u, 1u}) {
      write(0x24, half);
      write(0x20, features >> (32 * half));
    }
    write(0x70, 1 | 2 | 8);
    queues_.clear();
    ram_.free_to(0);
    for (unsigned i = 0; i < device().queue_count(); ++i) {
      queues_.push_back(DriverQueue::create(ram_, std::min(kQueueSize, device().queue_max_size(i)), features));
      const auto& config = queues_.back()->config();
      const std::pair<uint64_t, uint64_t> registers[] = {
          {0x30, i},
          {0x38, config.size},
          {0x80, config.descriptors.value},
          {0x84, config.descriptors.value >> 32},
          {0x90, config.driver.value},
          {0x94, config.driver.value >> 32},
          {0xa0, config.device.value},
          {0xa4, config.device.value >> 32},
          {0x44, 1},
      };
      for (const auto& [offset, value] : registers) write(offset, value);
    }
    mark_ = ram_.mark();
    write(0x70, 1 | 2 | 4 | 8);
    turn();
  }

  void turn() {
    loop_.context().restart();
    loop_.context().poll();
  }

  void step(FuzzInput& input) {
    const auto what = input.take<uint8_t>();
    switch (what % 10) {
      case 0:
        transport_->bus_write(input.take<uint16_t>() % 0x120, 1u << (what / 10 % 4), input.take<uint64_t>());
        return;
      case 1:
        transport_->bus_read(input.take<uint16_t>() % 0x120, 1u << (what / 10 % 4));
        return;
      case 2:
        ram_.put(GuestRam::kBase + input.take<uint16_t>() % kRings, input.take_bytes(1 + input.take<uint8_t>() % 32));
        return;
      case 3:
      case 4:
      case 5:
        return submit(input);
      case 6:
        write(0x50, input.take<uint8_t>());
        return turn();
      case 7:
        return turn();
      case 8:
        write(0x70, 0);
        return start(input.take<uint64_t>());
      default:
        return restore();
    }
  }

  // A buffer into one queue; a fresh look at the ring each time, since a driver's bookkeeping cannot be trusted here.
  void submit(FuzzInput& input) {
    if (queues_.empty()) return;
    const unsigned index = input.take<uint8_t>() % static_cast<unsigned>(queues_.size());
    auto* const split = dynamic_cast<SplitDriverQueue*>(queues_[index].get());
    const auto head = static_cast<uint16_t>(input.take<uint8_t>() % kQueueSize);
    const uint64_t place = mark_ + input.take<uint16_t>() % (ram_.size() - mark_);
    const auto content = input.take_bytes(input.take<uint8_t>() % 64);
    if (place + content.size() > ram_.size()) return;
    ram_.put(GuestRam::kBase + place, content);
    const auto flags = input.take<uint8_t>();
    const auto length = (flags & 64) != 0 ? static_cast<uint32_t>(content.size()) : input.take<uint16_t>();
    const auto low = static_cast<uint16_t>(flags & 7);
    const auto ring_flags = static_cast<uint16_t>(low | ((flags & 128) != 0 ? 0x8000 : 0x80));
    if (split != nullptr) {
      split->poke_descriptor(head,
                             {GuestRam::kBase + place, length, low, static_cast<uint16_t>((head + 1) % kQueueSize)});
      if ((flags & 8) == 0) split->make_available(head);
    } else {
      queues_[index]->poke_descriptor(head, {GuestRam::kBase + place, length, head, ring_flags});
    }
  }

  void restore() {
    hv::StateWriter writer;
    transport_->save(writer);
    transport_.reset();
    turn();
    transport_ = make_transport();
    hv::StateReader reader(writer.data());
    if (!transport_->load(reader)) write(0x70, 0);
    turn();
  }

  GuestRam ram_{1 << 20};
  devices::EventLoop loop_{"fuzz"};
  std::function<std::unique_ptr<devices::virtio::VirtioDevice>()> make_;
  std::unique_ptr<devices::virtio::MmioTransport> transport_;
  std::vector<std::unique_ptr<DriverQueue>> queues_;
  uint64_t mark_ = 0;
};

}  // namespace test
