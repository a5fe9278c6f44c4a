#include "vmm/machine/x86_64/platform.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "devices/power/acpi_power.h"
#include "devices/power/i8042_reset.h"
#include "devices/uart/ns16550.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "vmm/machine/base_platform.h"
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

class X86Platform final : public BasePlatform, private hv::InterruptSink {
 public:
  X86Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : BasePlatform(config, environment, hv::Bus::Unclaimed::ones) {}
  ~X86Platform() override { remove_virtio(); }

  hv::Result<void> assemble() {
    if (config().boot.kernel.empty() || !config().boot.firmware.empty())
      return hv::error("an x86_64 machine boots a kernel: give \"boot.kernel\", without firmware or a bare program");
    TRY(make_ram());
    make_small_devices();
    TRY(make_virtio(kVirtioSlots, [this](unsigned slot) {
      return Slot{virtio_slot(slot), line(kVirtioInterrupts[slot])};
    }));
    TRY(fill_ports());
    return make_engine();
  }

  size_t vcpu_count() const noexcept override { return config().cpus; }
  hv::Vcpu& vcpu(size_t index) noexcept override { return engine_->vcpu(index); }

 private:
  /// New processors and controllers are in their state after power-on, whatever the old ones were in.
  hv::Result<void> reset_hardware() override { return make_engine(); }

  hv::Result<void> boot() override {
    return engine_->start_at(TRY(load_boot_images(config(), memory(), virtio_count())));
  }

  /// Devices keep their lines when the engine is made anew.
  void set_line(uint32_t line, bool level) noexcept override {
    const std::lock_guard lock(engine_mutex_);
    if (engine_ != nullptr) engine_->interrupts().set_line(line, level);
  }

  hv::InterruptLine line(uint32_t number) { return {*this, number}; }

  hv::Result<void> make_ram() {
    const uint64_t low = std::min(config().memory, kLowRamEnd);
    std::vector<hv::RegionConfig> regions = {{{0}, low, config().huge_pages, config().numa}};
    if (config().memory > low) regions.push_back({kHighRam, config().memory - low, config().huge_pages, config().numa});
    return make_memory(regions);
  }

  void make_small_devices() {
    power_.emplace(environment().control);
    keyboard_controller_.emplace(environment().control);
    uart_.emplace(serial_backend(), line(kSerialInterrupt));
    reset_by_loading(*uart_);
  }

  hv::Result<void> fill_ports() {
    TRY(ports_.add(kKeyboardController, *keyboard_controller_, "keyboard controller"));
    TRY(ports_.add(kSerial, *uart_, "uart"));
    TRY(ports_.add(kPower, *power_, "power"));
    for (const hv::GuestRange& range : kAbsentPorts) TRY(ports_.add(range, absent_, "an absent device"));
    return {};
  }

  /// Processors, and the queues' doorbells, which the engine rings without the bus.
  hv::Result<void> make_engine() {
    std::vector<uint32_t> interrupts(kVirtioInterrupts.begin(), kVirtioInterrupts.begin() + virtio_count());
    interrupts.push_back(kSerialInterrupt);
    {
      const std::lock_guard lock(engine_mutex_);
      engine_.reset();
      engine_ = TRY(Engine::create(config(), {memory(), bus(), ports_, interrupts}));
    }
    for (const Doorbell& doorbell : doorbells())
      TRY(engine_->ring_on_write(doorbell.event_fd, doorbell.address, doorbell.queue));
    return {};
  }

  Absent absent_;
  hv::Bus ports_{hv::Bus::Unclaimed::ones};
  std::mutex engine_mutex_;  ///< guards engine_ against the console's loop, which runs also while the machine stands
  std::unique_ptr<Engine> engine_;
  std::optional<devices::AcpiPower> power_;
  std::optional<devices::I8042Reset> keyboard_controller_;
  std::optional<devices::Ns16550> uart_;
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment) {
  auto platform = std::make_unique<X86Platform>(config, environment);
  TRY(platform->assemble());
  return platform;
}

}  // namespace vmm::x86_64
