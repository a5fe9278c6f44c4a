#include "vmm/machine/riscv64/platform.h"

#include <array>
#include <vector>

#include "devices/backend/char/null.h"
#include "devices/event_loop.h"
#include "devices/irq/aclint.h"
#include "devices/irq/plic.h"
#include "devices/syscon/test_finisher.h"
#include "devices/timer/goldfish_rtc.h"
#include "devices/uart/ns16550.h"
#include "devices/virtio/mmio_transport.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/hart_group.h"
#include "emu/riscv/irq_pins.h"
#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/guest_clock.h"
#include "vmm/machine/riscv64/boot.h"
#include "vmm/machine/riscv64/htif.h"
#include "vmm/machine/riscv64/jit_observers.h"
#include "vmm/machine/riscv64/jit_report.h"
#include "vmm/machine/riscv64/memory_map.h"
#include "vmm/machine/virtio_devices.h"

namespace vmm::riscv64 {
namespace {

namespace irq = emu::riscv::irq;

/// The SBI's debug console: output goes to where the machine's console is; input is the console device's alone.
class DebugConsole final : public emu::riscv::sbi::Console {
 public:
  explicit DebugConsole(devices::CharBackend& backend) : backend_(backend) {}
  size_t write(std::span<const std::byte> data) noexcept override { return backend_.write(data); }
  size_t read(std::span<std::byte>) noexcept override { return 0; }

 private:
  devices::CharBackend& backend_;
};

emu::riscv::EngineKind engine_kind(Accel accel) {
  if (accel == Accel::jit) return emu::riscv::EngineKind::jit;
  return accel == Accel::lockstep ? emu::riscv::EngineKind::lockstep : emu::riscv::EngineKind::interpreter;
}

/// Members are destroyed in the reverse of their order: devices before what they stand on.
class Riscv64Platform final : public Platform {
 public:
  Riscv64Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : config_(config), environment_(environment), debug_console_(environment.console) {}

  hv::Result<void> assemble() {
    const hv::RegionConfig ram{kRam, config_.memory, config_.huge_pages, config_.numa};
    memory_ = TRY(hv::GuestMemory::create({&ram, 1}));
    const bool has_firmware = !config_.boot.firmware.empty() || !config_.boot.bare.empty();
    observer_ = TRY(make_jit_observers(config_.jit));
    harts_ = TRY(emu::riscv::HartGroup::create(
        config_.cpus, has_firmware ? emu::riscv::Firmware::guest : emu::riscv::Firmware::built_in,
        {*memory_, bus_, clock_, alarms_, environment_.control, &debug_console_},
        {.kind = engine_kind(config_.accel), .jit_cache = config_.jit.cache, .observer = observer_.get()}));
    make_interrupt_controllers();
    make_small_devices();
    TRY(make_virtio_slots());
    TRY(fill_bus());
    save_power_on_state();
    return {};
  }

  hv::Result<void> power_on() override {
    htif_.reset();
    for (const auto& slot : virtio_) slot->reset();
    if (booted_) {
      TRY(memory_->discard(memory_->regions()[0].range.base, memory_->size()));
      TRY(load_power_on_state());
    }
    booted_ = true;
    clock_.set_ticks(0);
    const BootState boot = TRY(load_boot_images(config_, *memory_, static_cast<unsigned>(virtio_.size())));
    harts_->reset({boot.entry, boot.device_tree});
    for (size_t i = 0; i < harts_->size(); ++i) harts_->hart(i).state().x[kFirmwareInfoRegister] = boot.firmware_info;
    if (boot.tohost) {
      htif_.emplace(loop_, *memory_, Htif::Addresses{*boot.tohost, boot.fromhost}, environment_.console,
                    environment_.control);
    }
    return {};
  }

  void start() override { loop_.start(); }
  void stop() noexcept override { loop_.stop(); }

  size_t vcpu_count() const noexcept override { return harts_->size(); }
  hv::Vcpu& vcpu(size_t index) noexcept override { return harts_->hart(index); }
  uint64_t memory_size() const noexcept override { return memory_->size(); }
  Report jit_report() override { return riscv64::jit_report(*harts_); }

 private:
  static constexpr size_t kFirmwareInfoRegister = 12;  // a2

  hv::InterruptLine line(uint32_t source) { return {*plic_, source}; }

  auto drive(hv::IrqPin pin) {
    return [this, pin](unsigned hart, bool level) { harts_->hart(hart).set_interrupt(pin, level); };
  }

  void make_interrupt_controllers() {
    plic_.emplace(kInterruptSources, config_.cpus, [this](unsigned hart, bool machine, bool level) {
      harts_->hart(hart).set_interrupt(machine ? irq::kMachineExternal : irq::kSupervisorExternal, level);
    });
    aclint_.emplace(config_.cpus, clock_, alarms_,
                    devices::AclintMachine::Outputs{drive(irq::kMachineSoftware), drive(irq::kMachineTimer),
                                                    [this] { harts_->clock_changed(); }});
    sswi_.emplace(config_.cpus,
                  [this](unsigned hart) { harts_->hart(hart).set_interrupt(irq::kSupervisorSoftware, true); });
  }

  void make_small_devices() {
    finisher_.emplace(environment_.control);
    rtc_.emplace(alarms_, line(kRtcInterrupt));
    const bool on_uart = config_.console.device == ConsoleDevice::uart;
    devices::CharBackend& serial = on_uart ? environment_.console : nowhere_;
    uart_.emplace(serial, line(kUartInterrupt));
  }

  hv::Result<void> make_virtio_slots() {
    auto devices = TRY(make_virtio_devices(config_, environment_, loop_));
    if (devices.size() > kVirtioSlots)
      return hv::error("the machine has {} devices, and {} are the most it can have", devices.size(), kVirtioSlots);
    for (unsigned slot = 0; slot < devices.size(); ++slot) {
      virtio_.push_back(TRY(
          devices::virtio::MmioTransport::create(std::move(devices[slot]), *memory_, line(virtio_interrupt(slot)))));
    }
    return {};
  }

  hv::Result<void> fill_bus() {
    TRY(bus_.add(kSyscon, *finisher_, "syscon"));
    TRY(bus_.add(kRtc, *rtc_, "rtc"));
    TRY(bus_.add(kClint, *aclint_, "clint"));
    TRY(bus_.add(kSswi, *sswi_, "sswi"));
    TRY(bus_.add(kPlic, *plic_, "plic"));
    TRY(bus_.add(kUart, *uart_, "uart"));
    for (unsigned slot = 0; slot < virtio_.size(); ++slot) {
      TRY(bus_.add(virtio_slot(slot), *virtio_[slot], virtio_[slot]->device().name()));
    }
    return {};
  }

  /// Devices that have no reset of their own are reset by loading the state that they were made with.
  std::array<hv::Snapshottable*, 4> resettable() { return {&*plic_, &*aclint_, &*rtc_, &*uart_}; }

  void save_power_on_state() {
    for (const hv::Snapshottable* device : resettable()) device->save(power_on_state_);
  }

  hv::Result<void> load_power_on_state() {
    hv::StateReader reader(power_on_state_.data());
    for (hv::Snapshottable* const device : resettable()) TRY(device->load(reader));
    return {};
  }

  const MachineConfig config_;
  const PlatformEnvironment environment_;
  DebugConsole debug_console_;
  devices::NullBackend nowhere_;
  hv::AlarmService alarms_;
  hv::GuestClock clock_{kTimebaseFrequency};
  hv::Bus bus_{hv::Bus::Unclaimed::zeros};
  devices::EventLoop loop_{"devices"};
  std::unique_ptr<hv::GuestMemory> memory_;
  ObserverPointer observer_;
  std::unique_ptr<emu::riscv::HartGroup> harts_;
  std::optional<devices::Plic> plic_;
  std::optional<devices::AclintMachine> aclint_;
  std::optional<devices::AclintSupervisorSoftware> sswi_;
  std::optional<devices::TestFinisher> finisher_;
  std::optional<devices::GoldfishRtc> rtc_;
  std::optional<devices::Ns16550> uart_;
  std::vector<std::unique_ptr<devices::virtio::MmioTransport>> virtio_;
  std::optional<Htif> htif_;
  hv::StateWriter power_on_state_;
  bool booted_ = false;
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment) {
  auto platform = std::make_unique<Riscv64Platform>(config, environment);
  TRY(platform->assemble());
  return platform;
}

}  // namespace vmm::riscv64
