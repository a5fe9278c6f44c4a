#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "devices/virtio/virtio_device.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices::virtio {

/// A VIRTIO device's registers in memory: VIRTIO 1.2 §4.2, register layout version 2.
///
/// Registers are read and written on vCPU threads, under mutex_. The device, on its loop, reaches only the interrupt
/// and the status, which have their own guards: a reset waits for the loop with mutex_ held.
class MmioTransport final : public hv::BusDevice, public hv::Snapshottable, private DriverInterrupts {
 public:
  static constexpr uint64_t kSize =
      0x200;  ///< bytes of registers and configuration space; the rest of a larger window is 0
  /// The driver writes a queue's number here (32 bits) to ring its doorbell, which is VirtioDevice::kick_fd.
  static constexpr uint64_t kQueueNotify = 0x050;

  /// Error: no file descriptor left.
  static hv::Result<std::unique_ptr<MmioTransport>> create(std::unique_ptr<VirtioDevice> device,
                                                           hv::GuestMemory& memory, hv::InterruptLine line);
  ~MmioTransport() override { device_->detach(); }

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  /// The machine's reset, while vCPUs stand still: as if the guest had reset the device.
  void reset() noexcept;

  VirtioDevice& device() noexcept { return *device_; }

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  MmioTransport(std::unique_ptr<VirtioDevice> device, hv::InterruptLine line);

  void queue_used(unsigned queue) noexcept override;
  void config_changed() noexcept override;
  void needs_reset() noexcept override;

  uint32_t read_register(uint64_t offset) noexcept;
  void write_register(uint64_t offset, uint32_t value) noexcept;
  void write_queue_register(uint64_t offset, uint32_t value) noexcept;
  void write_status(uint32_t value) noexcept;
  uint32_t read_status() noexcept;
  bool features_ok() const noexcept;
  void reset_locked() noexcept;
  void forget_driver() noexcept;
  VirtqueueConfig* selected_queue() noexcept;

  void raise(uint32_t reason) noexcept;
  void acknowledge(uint32_t reasons) noexcept;

  mutable std::mutex mutex_;
  uint32_t device_features_select_ = 0;
  uint32_t driver_features_select_ = 0;
  uint64_t driver_features_ = 0;
  uint32_t queue_select_ = 0;
  std::vector<VirtqueueConfig> queues_;
  bool resetting_ = false;  ///< the driver reads its old status until the device has let go of guest memory

  std::atomic<uint32_t> status_{0};

  mutable std::mutex interrupt_mutex_;  ///< guards the reasons and the order of changes of the line
  uint32_t interrupt_reasons_ = 0;
  hv::InterruptLine line_;

  std::unique_ptr<VirtioDevice> device_;  ///< destroyed first: it may change its configuration meanwhile
};

}  // namespace devices::virtio
