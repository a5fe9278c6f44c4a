#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "devices/virtio/features.h"
#include "devices/virtio/virtqueue.h"
#include "hv/base/endian.h"
#include "hv/base/log.h"
#include "hv/base/result.h"
#include "hv/core/guest_memory.h"
#include "hv/core/state_io.h"

namespace devices {
class EventLoop;
class Notifier;
}  // namespace devices

namespace devices::virtio {

/// What a device tells its driver, whatever the transport. Called on the device's event loop.
class DriverInterrupts {
 public:
  virtual ~DriverInterrupts() = default;
  virtual void queue_used(unsigned queue) noexcept = 0;
  virtual void config_changed() noexcept = 0;
  /// Sets DEVICE_NEEDS_RESET and, where the driver is running, tells it so. VIRTIO 1.2 §2.1.2
  virtual void needs_reset() noexcept = 0;
};

/// A VIRTIO device without its transport.
///
/// A derived class describes itself to the constructor and implements the `on_...` functions, which run on the event
/// loop and may pop and complete buffers there or later. The public functions are the transport's; they may be called
/// on any thread (a vCPU's) and only hand work to the loop, except `reset`, which waits for it. One thread at a time
/// activates and resets.
///
/// Made, attached, saved, loaded and destroyed while the loop stands still, or all on the loop.
class VirtioDevice {
 public:
  struct ConfigField {
    uint32_t offset;
    uint32_t size;
  };
  struct Description {
    std::string name;                          ///< for messages
    uint32_t device_id = 0;                    ///< VIRTIO 1.2 §5
    uint64_t features = 0;                     ///< the device's own; kCommonFeatures are added
    std::vector<uint16_t> queue_sizes;         ///< the largest size of each queue, a power of two
    size_t config_size = 0;                    ///< bytes
    std::vector<ConfigField> writable_config;  ///< what the driver may write; the rest is read-only
    /// How long a reset keeps its vCPU waiting for host operations.
    std::chrono::milliseconds reset_patience{2000};
  };

  VirtioDevice(EventLoop& loop, Description description);
  virtual ~VirtioDevice();
  VirtioDevice(const VirtioDevice&) = delete;
  VirtioDevice& operator=(const VirtioDevice&) = delete;

  /// Connects to memory and a transport, once, before anything else. Error: no file descriptor left.
  hv::Result<void> attach(hv::GuestMemory& memory, DriverInterrupts& interrupts);

  /// The transport goes away: nothing is shown to a driver any more. The device is destroyed after that.
  void detach() noexcept;

  const std::string& name() const noexcept { return description_.name; }
  uint32_t device_id() const noexcept { return description_.device_id; }
  uint64_t device_features() const noexcept { return description_.features; }
  unsigned queue_count() const noexcept { return static_cast<unsigned>(description_.queue_sizes.size()); }
  uint16_t queue_max_size(unsigned queue) const noexcept { return description_.queue_sizes[queue]; }

  /// Bytes outside the configuration space read as 0; writes outside `writable_config` are ignored.
  void read_config(uint64_t offset, std::span<std::byte> out) const noexcept;
  void write_config(uint64_t offset, std::span<const std::byte> data) noexcept;
  uint32_t config_generation() const noexcept { return config_generation_.load(std::memory_order_acquire); }

  /// Whether the device can work with this subset of its features. VIRTIO 1.2 §2.2.2
  virtual bool accepts_features(uint64_t /*features*/) const noexcept { return true; }

  /// The driver is ready. `queues` has one entry for each queue; a bad one makes the device need a reset.
  void activate(uint64_t features, std::vector<VirtqueueConfig> queues);
  /// Returns when the device has let go of all guest memory, as the driver may free it then (VIRTIO 1.2 §2.4), or false
  /// when a host operation needs it for longer than a vCPU can wait: `reset_done` then says when it is over, and the
  /// device is not activated before that.
  bool reset();
  bool reset_done() const;
  /// The driver made buffers available. Kicks that come faster than the loop handles them are one kick.
  void kick(unsigned queue) noexcept;
  /// The eventfd behind `kick`, for ioeventfd.
  int kick_fd(unsigned queue) const noexcept;

  /// State of the device and its queues. After `load` of an active device, every queue is kicked when the loop starts.
  void save(hv::StateWriter& writer) const;
  hv::Result<void> load(hv::StateReader& reader);

 protected:
  /// The queues exist and `features()` is final; a kick of each ready queue follows by itself.
  virtual void on_activate() {}
  virtual void on_kick(unsigned queue) = 0;
  /// Stop waiting for anything and drop all chains. A chain that a running host operation still needs may be dropped
  /// later; the reset is over when all are gone. Called only for a device that was activated.
  virtual void on_reset() {}
  /// The driver wrote to a writable field: `data` was stored at `offset` already. Writes arrive in order.
  virtual void on_config_write(uint64_t /*offset*/, std::span<const std::byte> /*data*/) {}

  /// The derived class's own state, in the section of the device.
  virtual void save_state(hv::StateWriter&) const {}
  virtual void load_state(hv::StateReader&) {}

  EventLoop& loop() const noexcept { return loop_; }
  /// Runs `task` on the loop, at once where that is this thread; not when the device is gone by then. Any thread.
  void on_loop(std::function<void()> task);
  /// Runs `task` on the loop later.
  void post(std::function<void()> task);
  hv::GuestMemory& memory() const noexcept { return *memory_; }
  bool active() const noexcept { return active_; }
  uint64_t features() const noexcept { return features_; }
  bool has_feature(uint64_t mask) const noexcept { return (features_ & mask) == mask; }

  /// The queue, or nullptr where the driver did not set it up (or the device is not active).
  Virtqueue* queue(unsigned index) noexcept;
  /// The next buffer of a queue; nothing also when the queue is malformed, and the device then needs a reset.
  std::optional<DescriptorChain> pop(unsigned queue);
  /// Marks the device as needing a reset: nothing is popped until the driver resets it.
  void fail(const hv::Error& error);

  /// Stores a field of the configuration space, little-endian; `notify_config_changed` then tells the driver. Any
  /// thread.
  template <std::integral T>
  void set_config(uint64_t offset, T value) {
    store_config(offset, std::as_bytes(std::span(&value, 1)));
  }
  void set_config_bytes(uint64_t offset, std::span<const std::byte> data) { store_config(offset, data); }
  template <std::integral T>
  T config(uint64_t offset) const {
    std::byte bytes[sizeof(T)];
    read_config(offset, bytes);
    return hv::load_le<T>(bytes);
  }
  /// Tells the driver that the configuration space changed. On the loop.
  void notify_config_changed() noexcept;

 private:
  struct ConfigWrite {
    uint64_t offset;
    std::vector<std::byte> data;
  };
  struct Activation {
    uint64_t features;
    std::vector<VirtqueueConfig> queues;
  };
  struct Reset;

  void store_config(uint64_t offset, std::span<const std::byte> data);
  bool is_writable(uint64_t offset, uint64_t size) const noexcept;
  void deliver_config_writes();
  void activate_on_loop();
  hv::Result<void> make_queues();
  void reset_on_loop(const std::shared_ptr<Reset>& reset);
  void handle_kick(unsigned queue);
  void save_undelivered(hv::StateWriter& writer) const;
  void load_undelivered(hv::StateReader& reader);
  void load_queues(hv::StateReader& reader);

  EventLoop& loop_;
  Description description_;
  hv::GuestMemory* memory_ = nullptr;
  DriverInterrupts* interrupts_ = nullptr;
  std::vector<std::unique_ptr<Notifier>> notifiers_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::vector<std::byte> config_;
  std::vector<ConfigWrite> config_writes_;  ///< not yet delivered
  std::optional<Activation> activation_;    ///< not yet delivered
  std::atomic<uint32_t> config_generation_{0};

  std::shared_ptr<Reset> reset_;  ///< the latest one; the transport's

  // The loop's.
  bool active_ = false;
  bool failed_ = false;
  uint64_t features_ = 0;
  std::vector<VirtqueueConfig> queue_configs_;
  std::vector<std::shared_ptr<Virtqueue>> queues_;
  hv::log::GuestError guest_error_;

  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  ///< for tasks that outlive the device
};

}  // namespace devices::virtio
