#include "vmm/machine/riscv64/platform.h"

#include <initializer_list>
#include <optional>

#include "devices/irq/aclint.h"
#include "devices/irq/plic.h"
#include "devices/syscon/test_finisher.h"
#include "devices/timer/goldfish_rtc.h"
#include "devices/uart/ns16550.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/hart_group.h"
#include "emu/riscv/irq_pins.h"
#include "hv/core/alarm.h"
#include "hv/core/guest_clock.h"
#include "vmm/machine/base_platform.h"
#include "vmm/machine/riscv64/boot.h"
#include "vmm/machine/riscv64/htif.h"
#include "vmm/machine/riscv64/jit_observers.h"
#include "vmm/machine/riscv64/jit_report.h"
#include "vmm/machine/riscv64/memory_map.h"

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

class Riscv64Platform final : public BasePlatform {
 public:
  Riscv64Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : BasePlatform(config, environment, hv::Bus::Unclaimed::zeros), debug_console_(environment.console) {}
  ~Riscv64Platform() override { remove_virtio(); }

  hv::Result<void> assemble() {
    const hv::RegionConfig ram{kRam, config().memory, config().huge_pages, config().numa};
    TRY(make_memory({&ram, 1}));
    const bool has_firmware = !config().boot.firmware.empty() || !config().boot.bare.empty();
    observer_ = TRY(make_jit_observers(config().jit));
    harts_ = TRY(emu::riscv::HartGroup::create(
        config().cpus, has_firmware ? emu::riscv::Firmware::guest : emu::riscv::Firmware::built_in,
        {memory(), bus(), clock_, alarms_, environment().control, &debug_console_},
        {.kind = engine_kind(config().accel), .jit_cache = config().jit.cache, .observer = observer_.get()}));
    make_interrupt_controllers();
    make_small_devices();
    TRY(fill_bus());
    for (hv::Snapshottable* const device :
         std::initializer_list<hv::Snapshottable*>{&*plic_, &*aclint_, &*rtc_, &*uart_})
      reset_by_loading(*device);
    return make_virtio(kVirtioSlots, [this](unsigned slot) {
      return Slot{virtio_slot(slot), line(virtio_interrupt(slot))};
    });
  }

  size_t vcpu_count() const noexcept override { return harts_->size(); }
  hv::Vcpu& vcpu(size_t index) noexcept override { return harts_->hart(index); }
  Report jit_report() override { return riscv64::jit_report(*harts_); }

 private:
  static constexpr size_t kFirmwareInfoRegister = 12;  // a2

  hv::Result<void> boot() override {
    htif_.reset();
    clock_.set_ticks(0);
    const BootState boot = TRY(load_boot_images(config(), memory(), virtio_count()));
    harts_->reset({boot.entry, boot.device_tree});
    for (size_t i = 0; i < harts_->size(); ++i) harts_->hart(i).state().x[kFirmwareInfoRegister] = boot.firmware_info;
    if (boot.tohost) {
      htif_.emplace(loop(), memory(), Htif::Addresses{*boot.tohost, boot.fromhost}, environment().console,
                    environment().control);
    }
    return {};
  }

  hv::InterruptLine line(uint32_t source) { return {*plic_, source}; }

  auto drive(hv::IrqPin pin) {
    return [this, pin](unsigned hart, bool level) { harts_->hart(hart).set_interrupt(pin, level); };
  }

  void make_interrupt_controllers() {
    plic_.emplace(kInterruptSources, config().cpus, [this](unsigned hart, bool machine, bool level) {
      harts_->hart(hart).set_interrupt(machine ? irq::kMachineExternal : irq::kSupervisorExternal, level);
    });
    aclint_.emplace(config().cpus, clock_, alarms_,
                    devices::AclintMachine::Outputs{drive(irq::kMachineSoftware), drive(irq::kMachineTimer),
                                                    [this] { harts_->clock_changed(); }});
    sswi_.emplace(config().cpus,
                  [this](unsigned hart) { harts_->hart(hart).set_interrupt(irq::kSupervisorSoftware, true); });
  }

  void make_small_devices() {
    finisher_.emplace(environment().control);
    rtc_.emplace(alarms_, line(kRtcInterrupt));
    uart_.emplace(serial_backend(), line(kUartInterrupt));
  }

  hv::Result<void> fill_bus() {
    TRY(bus().add(kSyscon, *finisher_, "syscon"));
    TRY(bus().add(kRtc, *rtc_, "rtc"));
    TRY(bus().add(kClint, *aclint_, "clint"));
    TRY(bus().add(kSswi, *sswi_, "sswi"));
    TRY(bus().add(kPlic, *plic_, "plic"));
    return bus().add(kUart, *uart_, "uart");
  }

  DebugConsole debug_console_;
  hv::AlarmService alarms_;
  hv::GuestClock clock_{kTimebaseFrequency};
  ObserverPointer observer_;
  std::unique_ptr<emu::riscv::HartGroup> harts_;
  std::optional<devices::Plic> plic_;
  std::optional<devices::AclintMachine> aclint_;
  std::optional<devices::AclintSupervisorSoftware> sswi_;
  std::optional<devices::TestFinisher> finisher_;
  std::optional<devices::GoldfishRtc> rtc_;
  std::optional<devices::Ns16550> uart_;
  std::optional<Htif> htif_;
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment) {
  auto platform = std::make_unique<Riscv64Platform>(config, environment);
  TRY(platform->assemble());
  return platform;
}

}  // namespace vmm::riscv64
