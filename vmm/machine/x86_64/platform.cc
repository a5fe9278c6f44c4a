#include "vmm/machine/x86_64/platform.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "devices/backend/char/null.h"
#include "devices/event_loop.h"
#include "devices/power/acpi_power.h"
#include "devices/power/i8042_reset.h"
#include "devices/uart/ns16550.h"
#include "devices/virtio/mmio_transport.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "vmm/machine/virtio_devices.h"
#include "vmm/machine/x86_64/boot.h"
#include "vmm/machine/x86_64/engine.h"
#include "vmm/machine/x86_64/memory_map.h"

namespace vmm::x86_64 {
namespace {

/// Where a PC has a device that this machine lacks.
class Absent final : public hv::BusDevice {
 public:
  uint64_t bus_read(uint64_t, unsigned) noexcept override { return ~uint64_t{0}; }
  void bus_write(uint64_t, unsigned, uint64_t) noexcept override {}
};

/// Members are destroyed in the reverse of their order: devices before what they stand on.
class X86Platform final : public Platform, private hv::InterruptSink {
 public:
  X86Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : config_(config), environment_(environment) {}

  hv::Result<void> assemble() {
    if (config_.boot.kernel.empty() || !config_.boot.firmware.empty())
      return hv::error("an x86_64 machine boots a kernel: give \"boot.kernel\", without firmware or a bare program");
    TRY(make_memory());
    make_small_devices();
    TRY(make_virtio_slots());
    TRY(fill_buses());
    return make_engine();
  }

  hv::Result<void> power_on() override {
    for (const auto& slot : virtio_) slot->reset();
    if (booted_) {
      for (const auto& region : memory_->regions()) TRY(memory_->discard(region.range.base, region.range.size));
      TRY(load_power_on_state());
      // New processors and controllers are in their state after power-on, whatever the old ones were in.
      TRY(make_engine());
    }
    booted_ = true;
    return engine_->start_at(TRY(load_boot_images(config_, *memory_, static_cast<unsigned>(virtio_.size()))));
  }

  void start() override { loop_.start(); }
  void stop() noexcept override { loop_.stop(); }

  size_t vcpu_count() const noexcept override { return config_.cpus; }
  hv::Vcpu& vcpu(size_t index) noexcept override { return engine_->vcpu(index); }
  uint64_t memory_size() const noexcept override { return memory_->size(); }

 private:
  /// Devices keep their lines when the engine is made anew.
  void set_line(uint32_t line, bool level) noexcept override {
    const std::lock_guard lock(engine_mutex_);
    if (engine_ != nullptr) engine_->interrupts().set_line(line, level);
  }

  hv::InterruptLine line(uint32_t number) { return {*this, number}; }

  hv::Result<void> make_memory() {
    const uint64_t low = std::min(config_.memory, kLowRamEnd);
    std::vector<hv::RegionConfig> regions = {{{0}, low, config_.huge_pages, config_.numa}};
    if (config_.memory > low) regions.push_back({kHighRam, config_.memory - low, config_.huge_pages, config_.numa});
    memory_ = TRY(hv::GuestMemory::create(regions));
    return {};
  }

  void make_small_devices() {
    power_.emplace(environment_.control);
    keyboard_controller_.emplace(environment_.control);
    const bool on_uart = config_.console.device == ConsoleDevice::uart;
    devices::CharBackend& serial = on_uart ? environment_.console : nowhere_;
    uart_.emplace(serial, line(kSerialInterrupt));
    uart_->save(power_on_state_);
  }

  /// The port has no reset of its own.
  hv::Result<void> load_power_on_state() {
    hv::StateReader reader(power_on_state_.data());
    return uart_->load(reader);
  }

  hv::Result<void> make_virtio_slots() {
    auto devices = TRY(make_virtio_devices(config_, environment_, loop_));
    if (devices.size() > kVirtioSlots)
      return hv::error("the machine has {} devices, and {} are the most it can have", devices.size(), kVirtioSlots);
    for (unsigned slot = 0; slot < devices.size(); ++slot) {
      virtio_.push_back(TRY(
          devices::virtio::MmioTransport::create(std::move(devices[slot]), *memory_, line(kVirtioInterrupts[slot]))));
    }
    return {};
  }

  hv::Result<void> fill_buses() {
    for (unsigned slot = 0; slot < virtio_.size(); ++slot)
      TRY(bus_.add(virtio_slot(slot), *virtio_[slot], virtio_[slot]->device().name()));
    TRY(ports_.add(kKeyboardController, *keyboard_controller_, "keyboard controller"));
    TRY(ports_.add(kSerial, *uart_, "uart"));
    TRY(ports_.add(kPower, *power_, "power"));
    for (const hv::GuestRange& range : kAbsentPorts) TRY(ports_.add(range, absent_, "an absent device"));
    return {};
  }

  /// Processors, and the queues' doorbells, which the engine rings without the bus.
  hv::Result<void> make_engine() {
    std::vector<uint32_t> interrupts(kVirtioInterrupts.begin(),
                                     kVirtioInterrupts.begin() + static_cast<ptrdiff_t>(virtio_.size()));
    interrupts.push_back(kSerialInterrupt);
    {
      const std::lock_guard lock(engine_mutex_);
      engine_.reset();
      engine_ = TRY(Engine::create(config_, {*memory_, bus_, ports_, interrupts}));
    }
    for (unsigned slot = 0; slot < virtio_.size(); ++slot) {
      const hv::GuestAddress doorbell = virtio_slot(slot).base + devices::virtio::MmioTransport::kQueueNotify;
      const devices::virtio::VirtioDevice& device = virtio_[slot]->device();
      for (unsigned queue = 0; queue < device.queue_count(); ++queue)
        TRY(engine_->ring_on_write(device.kick_fd(queue), doorbell, queue));
    }
    return {};
  }

  const MachineConfig config_;
  const PlatformEnvironment environment_;
  devices::NullBackend nowhere_;
  Absent absent_;
  hv::Bus bus_{hv::Bus::Unclaimed::ones};
  hv::Bus ports_{hv::Bus::Unclaimed::ones};
  devices::EventLoop loop_{"devices"};
  std::unique_ptr<hv::GuestMemory> memory_;
  std::mutex engine_mutex_;  ///< guards engine_ against the console's loop, which runs also while the machine stands
  std::unique_ptr<Engine> engine_;
  std::optional<devices::AcpiPower> power_;
  std::optional<devices::I8042Reset> keyboard_controller_;
  std::optional<devices::Ns16550> uart_;
  std::vector<std::unique_ptr<devices::virtio::MmioTransport>> virtio_;
  hv::StateWriter power_on_state_;
  bool booted_ = false;
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment) {
  auto platform = std::make_unique<X86Platform>(config, environment);
  TRY(platform->assemble());
  return platform;
}

}  // namespace vmm::x86_64
