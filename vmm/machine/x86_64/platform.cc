#include "vmm/machine/x86_64/platform.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "devices/power/acpi_events.h"
#include "devices/power/acpi_power.h"
#include "devices/power/i8042_reset.h"
#include "devices/timer/cmos_rtc.h"
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

class X86Platform final : public BasePlatform {
 public:
  X86Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : BasePlatform(config, environment, hv::Bus::Unclaimed::ones) {}
  ~X86Platform() override { remove_virtio(); }

  hv::Result<void> assemble() {
    if (config().boot.kernel.empty() || !config().boot.firmware.empty())
      return hv::error("an x86_64 machine boots a kernel: give \"boot.kernel\", without firmware or a bare program");
    TRY(make_ram());
    std::vector<uint32_t> interrupts(kVirtioInterrupts.begin(), kVirtioInterrupts.end());
    interrupts.push_back(kSerialInterrupt);
    interrupts.push_back(kEventInterrupt);
    engine_ = TRY(Engine::create(config(), {memory(), bus(), ports_, interrupts}));
    make_small_devices();
    TRY(make_virtio(kVirtioSlots, [this](unsigned slot) {
      return Slot{virtio_slot(slot), line(kVirtioInterrupts[slot])};
    }));
    TRY(fill_ports());
    return run_on(*engine_);
  }

  bool press_power_button() noexcept override {
    events_->press_power_button();
    return true;
  }

 private:
  hv::Result<void> boot() override {
    return engine_->start_at(TRY(load_boot_images(config(), memory(), virtio_count())));
  }

  hv::InterruptLine line(uint32_t number) { return {engine_->interrupts(), number}; }

  hv::Result<void> make_ram() {
    const uint64_t low = std::min(config().memory, kLowRamEnd);
    std::vector<hv::RegionConfig> regions = {{{0}, low, config().huge_pages, config().numa}};
    if (config().memory > low) regions.push_back({kHighRam, config().memory - low, config().huge_pages, config().numa});
    return make_memory(regions);
  }

  void make_small_devices() {
    power_.emplace(environment().control);
    keyboard_controller_.emplace(environment().control);
    events_.emplace(line(kEventInterrupt));
    uart_.emplace(serial_backend(), line(kSerialInterrupt));
    reset_by_loading(*uart_);
    reset_by_loading(clock_);
    reset_by_loading(*events_);
  }

  hv::Result<void> fill_ports() {
    TRY(ports_.add(kKeyboardController, *keyboard_controller_, "keyboard controller"));
    TRY(ports_.add(kClock, clock_, "clock"));
    TRY(ports_.add(kSerial, *uart_, "uart"));
    TRY(ports_.add(kPower, *power_, "power"));
    TRY(ports_.add(kEvents, *events_, "events"));
    for (const hv::GuestRange& range : kAbsentPorts) TRY(ports_.add(range, absent_, "an absent device"));
    return {};
  }

  Absent absent_;
  hv::Bus ports_{hv::Bus::Unclaimed::ones};
  std::unique_ptr<Engine> engine_;
  std::optional<devices::AcpiPower> power_;
  std::optional<devices::I8042Reset> keyboard_controller_;
  devices::CmosRtc clock_;
  std::optional<devices::AcpiEvents> events_;
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
