#include "vmm/machine/riscv64/platform.h"

#include <optional>

#include "devices/irq/plic.h"
#include "devices/syscon/test_finisher.h"
#include "devices/timer/goldfish_rtc.h"
#include "devices/uart/ns16550.h"
#include "hv/core/alarm.h"
#include "vmm/machine/base_platform.h"
#include "vmm/machine/riscv64/boot.h"
#include "vmm/machine/riscv64/engine.h"
#include "vmm/machine/riscv64/htif.h"
#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

class Riscv64Platform final : public BasePlatform {
 public:
  Riscv64Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : BasePlatform(config, environment, hv::Bus::Unclaimed::zeros) {}
  ~Riscv64Platform() override { remove_virtio(); }

  hv::Result<void> assemble() {
    const hv::RegionConfig ram{kRam, config().memory, config().huge_pages, config().numa};
    TRY(make_memory({&ram, 1}));
    engine_ = TRY(Engine::create(config(), {memory(), bus(), alarms_, environment().control, environment().console}));
    plic_.emplace(kInterruptSources, config().cpus, [this](unsigned hart, bool machine, bool level) {
      engine_->set_external_interrupt(hart, machine, level);
    });
    finisher_.emplace(environment().control);
    rtc_.emplace(alarms_, line(kRtcInterrupt));
    uart_.emplace(serial_backend(), line(kUartInterrupt));
    TRY(fill_bus());
    reset_by_loading(*plic_);
    reset_by_loading(*rtc_);
    reset_by_loading(*uart_);
    TRY(make_virtio(kVirtioSlots, [this](unsigned slot) {
      return Slot{virtio_slot(slot), line(virtio_interrupt(slot))};
    }));
    return run_on(*engine_);
  }

  Report jit_report() override { return engine_->jit_report(); }

 private:
  hv::Result<void> boot() override {
    htif_.reset();
    const BootState boot = TRY(load_boot_images(config(), memory(), engine_->processor(), virtio_count()));
    TRY(engine_->start_at(boot));
    if (boot.tohost) {
      htif_.emplace(loop(), memory(), Htif::Addresses{*boot.tohost, boot.fromhost}, environment().console,
                    environment().control);
    }
    return {};
  }

  hv::InterruptLine line(uint32_t source) { return {*plic_, source}; }

  hv::Result<void> fill_bus() {
    TRY(bus().add(kSyscon, *finisher_, "syscon"));
    TRY(bus().add(kRtc, *rtc_, "rtc"));
    TRY(bus().add(kPlic, *plic_, "plic"));
    return bus().add(kUart, *uart_, "uart");
  }

  hv::AlarmService alarms_;
  std::unique_ptr<Engine> engine_;
  std::optional<devices::Plic> plic_;
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
