#include "vmm/machine/arm64/platform.h"

#include <optional>

#include "devices/timer/goldfish_rtc.h"
#include "devices/timer/pl031.h"
#include "devices/uart/pl011.h"
#include "hv/core/alarm.h"
#include "vmm/machine/arm64/boot.h"
#include "vmm/machine/arm64/engine.h"
#include "vmm/machine/arm64/memory_map.h"
#include "vmm/machine/base_platform.h"

namespace vmm::arm64 {
namespace {

class Arm64Platform final : public BasePlatform {
 public:
  Arm64Platform(const MachineConfig& config, const PlatformEnvironment& environment)
      : BasePlatform(config, environment, hv::Bus::Unclaimed::zeros) {}
  ~Arm64Platform() override { remove_virtio(); }

  hv::Result<void> assemble() {
    const hv::RegionConfig ram{kRam, config().memory, config().huge_pages, config().numa};
    TRY(make_memory({&ram, 1}));
    std::vector<uint32_t> edges;
    for (unsigned slot = 0; slot < kVirtioSlots; ++slot) edges.push_back(virtio_interrupt(slot));
    engine_ = TRY(Engine::create(config(), {memory(), bus(), edges}));
    uart_.emplace(serial_backend(), line(kUartInterrupt));
    rtc_.emplace(alarms_, line(kRtcInterrupt), devices::GoldfishRtc::host_time);
    TRY(bus().add(kUart, *uart_, "uart"));
    TRY(bus().add(kRtc, *rtc_, "rtc"));
    reset_by_loading(*uart_);
    reset_by_loading(*rtc_);
    TRY(make_virtio(kVirtioSlots, [this](unsigned slot) {
      return Slot{virtio_slot(slot), line(virtio_interrupt(slot))};
    }));
    return run_on(*engine_);
  }

 private:
  hv::Result<void> boot() override {
    return engine_->start_at(TRY(load_boot_images(config(), memory(), virtio_count())));
  }

  hv::InterruptLine line(uint32_t number) { return {engine_->interrupts(), number}; }

  hv::AlarmService alarms_;
  std::unique_ptr<Engine> engine_;
  std::optional<devices::Pl011> uart_;
  std::optional<devices::Pl031> rtc_;
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment) {
  if (config.boot.kernel.empty() || !config.boot.firmware.empty())
    return hv::error("an arm64 machine boots a kernel: give \"boot.kernel\", without firmware or a bare program");
  auto platform = std::make_unique<Arm64Platform>(config, environment);
  TRY(platform->assemble());
  return platform;
}

}  // namespace vmm::arm64
