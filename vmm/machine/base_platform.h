#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "devices/backend/char/null.h"
#include "devices/event_loop.h"
#include "devices/virtio/mmio_transport.h"
#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"
#include "vmm/machine/base_engine.h"
#include "vmm/machine/platform.h"

namespace vmm {

/// What the platforms of all architectures have: memory, a bus, VIRTIO devices in slots, and the order of a power-on.
/// An engine runs it.
///
/// Members are destroyed in the reverse of their order, those of a platform before these: devices before what they
/// stand on. A platform whose interrupt controllers are its own calls remove_virtio when it is destroyed.
class BasePlatform : public Platform {
 public:
  hv::Result<void> power_on() final;
  void save(hv::StateWriter& writer) const final;
  hv::Result<void> load(hv::StateReader& reader) final;
  void start() final { loop_.start(); }
  void stop() noexcept final { loop_.stop(); }
  size_t vcpu_count() const noexcept final { return engine_->vcpu_count(); }
  hv::Vcpu& vcpu(size_t index) noexcept final { return engine_->vcpu(index); }
  uint64_t memory_size() const noexcept final { return memory_->size(); }

 protected:
  /// Where a VIRTIO device's registers and interrupt are.
  struct Slot {
    hv::GuestRange range;
    hv::InterruptLine line;
  };

  BasePlatform(const MachineConfig& config, const PlatformEnvironment& environment, hv::Bus::Unclaimed unclaimed)
      : config_(config), environment_(environment), bus_(unclaimed) {}

  /// Loads what the machine starts with; processors are where it begins. The event loop stands still.
  virtual hv::Result<void> boot() = 0;

  hv::Result<void> make_memory(std::span<const hv::RegionConfig> regions);
  /// The devices of the configuration, the first in the slot that `slot` says for 0, and so on; on the bus.
  hv::Result<void> make_virtio(unsigned slots, const std::function<Slot(unsigned)>& slot);
  void remove_virtio() noexcept { virtio_.clear(); }
  /// Once, when all devices are made: the engine may ring their doorbells itself from now on. It outlives the last
  /// power_on.
  hv::Result<void> run_on(BaseEngine& engine);
  /// A device that has no reset of its own is reset by loading its present state. It outlives the last power_on.
  void reset_by_loading(hv::Snapshottable& device);
  /// What a serial port is connected to: the console, or nothing if that is a VIRTIO device.
  devices::CharBackend& serial_backend() noexcept;

  const MachineConfig& config() const noexcept { return config_; }
  const PlatformEnvironment& environment() const noexcept { return environment_; }
  hv::GuestMemory& memory() noexcept { return *memory_; }
  hv::Bus& bus() noexcept { return bus_; }
  devices::EventLoop& loop() noexcept { return loop_; }
  unsigned virtio_count() const noexcept { return static_cast<unsigned>(virtio_.size()); }

 private:
  hv::Result<void> load_parts(hv::StateReader& reader);

  struct Occupied {
    hv::GuestAddress base;
    std::unique_ptr<devices::virtio::MmioTransport> transport;
  };

  const MachineConfig config_;
  const PlatformEnvironment environment_;
  devices::NullBackend nowhere_;
  hv::Bus bus_;
  devices::EventLoop loop_{"devices"};
  std::unique_ptr<hv::GuestMemory> memory_;
  std::vector<Occupied> virtio_;
  BaseEngine* engine_ = nullptr;
  std::vector<hv::Snapshottable*> resettable_;
  hv::StateWriter power_on_state_;
  bool booted_ = false;
};

}  // namespace vmm
