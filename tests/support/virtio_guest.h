#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "devices/event_loop.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/virtio_device.h"
#include "tests/support/driver_queue.h"
#include "tests/support/guest_ram.h"
#include "tests/support/test_interrupt.h"

namespace test {

/// Polls until `condition` holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

/// A guest with one VIRTIO device behind the MMIO transport, as the guest's driver sees it. The driver's part runs on
/// the test's thread, the device on its loop.
class VirtioGuest {
 public:
  using MakeDevice = std::function<std::unique_ptr<devices::virtio::VirtioDevice>(devices::EventLoop&)>;

  enum Register : uint64_t {
    kMagic = 0x000,
    kVersion = 0x004,
    kDeviceId = 0x008,
    kDeviceFeatures = 0x010,
    kDeviceFeaturesSelect = 0x014,
    kDriverFeatures = 0x020,
    kDriverFeaturesSelect = 0x024,
    kQueueSelect = 0x030,
    kQueueSizeMax = 0x034,
    kQueueSize = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kInterruptStatus = 0x060,
    kInterruptAcknowledge = 0x064,
    kStatus = 0x070,
    kQueueDescriptors = 0x080,
    kQueueDriver = 0x090,
    kQueueDevice = 0x0a0,
    kConfigGeneration = 0x0fc,
    kConfig = 0x100,
  };
  static constexpr uint32_t kAcknowledge = 1;
  static constexpr uint32_t kDriver = 2;
  static constexpr uint32_t kDriverOk = 4;
  static constexpr uint32_t kFeaturesOk = 8;
  static constexpr uint32_t kNeedsReset = 64;

  explicit VirtioGuest(const MakeDevice& make);
  ~VirtioGuest();

  uint32_t read(uint64_t offset) { return static_cast<uint32_t>(transport_->bus_read(offset, 4)); }
  void write(uint64_t offset, uint32_t value) { transport_->bus_write(offset, 4, value); }
  uint64_t device_features();
  template <typename T>
  T config(uint64_t offset) {
    return static_cast<T>(transport_->bus_read(kConfig + offset, sizeof(T)));
  }
  template <typename T>
  void set_config(uint64_t offset, T value) {
    transport_->bus_write(kConfig + offset, sizeof(T), value);
  }

  /// VIRTIO 1.2 §3.1.1 up to FEATURES_OK; whether the device took these features (VERSION_1 is added).
  bool negotiate(uint64_t features);
  /// Gives the device rings for one queue: `size` 0 is the largest.
  void set_up_queue(unsigned index, uint16_t size = 0);
  void driver_ok();
  /// All of it, with all queues. Stops the test program when the device refuses the features.
  void start(uint64_t features = 0, uint16_t queue_size = 0);
  void reset() { write(kStatus, 0); }
  bool needs_reset() { return (read(kStatus) & kNeedsReset) != 0; }

  DriverQueue& queue(unsigned index) { return *queues_[index]; }
  Request request() { return Request(ram); }
  /// Makes a buffer available, and kicks if the device asks for it.
  uint16_t submit(unsigned queue, const Request& request);
  void kick(unsigned queue) { write(kQueueNotify, queue); }
  /// Waits for the next used buffer; an id of 0xffff when none comes.
  Used wait_used(unsigned queue);
  /// Submits, and waits for that buffer.
  Used exchange(unsigned queue, const Request& request);
  /// Waits for a reason of an interrupt (1: used buffers, 2: configuration) and acknowledges it.
  bool wait_interrupt(uint32_t reason);

  /// Lets the device finish what it was told so far.
  void settle();

  devices::virtio::MmioTransport& transport() { return *transport_; }
  /// The device is saved, destroyed, made again and loaded, as when a machine is restored.
  void save_and_restore();

  GuestRam ram;
  TestInterrupt interrupt;
  devices::EventLoop loop;

 private:
  std::unique_ptr<devices::virtio::MmioTransport> make_transport();
  void write_address(uint64_t offset, hv::GuestAddress address);

  MakeDevice make_;
  std::unique_ptr<devices::virtio::MmioTransport> transport_;
  uint64_t features_ = 0;
  std::vector<std::unique_ptr<DriverQueue>> queues_;
};

}  // namespace test
