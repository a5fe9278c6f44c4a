#include "vmm/machine/arm64/device_tree.h"

#include <fmt/format.h>

#include "vmm/boot/fdt_builder.h"
#include "vmm/machine/arm64/memory_map.h"

namespace vmm::arm64 {
namespace {

constexpr uint32_t kGicHandle = 1;
constexpr uint32_t kClockHandle = 2;

// Linux, Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml
constexpr uint32_t kShared = 0;
constexpr uint32_t kOwn = 1;
constexpr uint32_t kEdge = 1;
constexpr uint32_t kLevel = 4;

class Writer {
 public:
  explicit Writer(const DeviceTreeConfig& config) : config_(config) {}

  hv::Result<std::vector<std::byte>> write() {
    fdt_.node("", [this] {
      fdt_.cell("#address-cells", 2);
      fdt_.cell("#size-cells", 2);
      fdt_.cell("interrupt-parent", kGicHandle);
      fdt_.string("compatible", "linux,dummy-virt");
      fdt_.string("model", "vireo,arm64");
      Chosen chosen = config_.chosen;
      if (config_.uart_is_console) chosen.stdout_path = fmt::format("/{}", at("serial", kUart));
      add_chosen(fdt_, chosen);
      add_memory(fdt_, config_.ram);
      cpus();
      psci();
      timer();
      gic();
      clock();
      primecell("serial", "arm,pl011", kUart, kUartInterrupt, {"uartclk", "apb_pclk"});
      primecell("rtc", "arm,pl031", kRtc, kRtcInterrupt, {"apb_pclk"});
      for (unsigned slot = 0; slot < config_.virtio_devices; ++slot) virtio(slot);
    });
    return fdt_.finish();
  }

 private:
  /// Linux, Documentation/devicetree/bindings/arm/cpus.yaml
  void cpus() {
    fdt_.node("cpus", [this] {
      fdt_.cell("#address-cells", 1);
      fdt_.cell("#size-cells", 0);
      for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
        fdt_.node(fmt::format("cpu@{:x}", cpu), [this, cpu] {
          fdt_.string("device_type", "cpu");
          fdt_.string("compatible", "arm,armv8");
          fdt_.cell("reg", cpu);
          fdt_.string("enable-method", "psci");
        });
      }
    });
  }

  void psci() {
    fdt_.node("psci", [this] {
      fdt_.strings("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
      fdt_.string("method", "hvc");
    });
  }

  void timer() {
    fdt_.node("timer", [this] {
      fdt_.string("compatible", "arm,armv8-timer");
      fdt_.cells("interrupts", {kOwn, kSecureTimer, kLevel, kOwn, kTimer, kLevel, kOwn, kVirtualTimer, kLevel, kOwn,
                                kHypervisorTimer, kLevel});
      fdt_.empty("always-on");
    });
  }

  void gic() {
    fdt_.node(at("interrupt-controller", kDistributor), [this] {
      fdt_.string("compatible", "arm,gic-v3");
      fdt_.cell("#interrupt-cells", 3);
      fdt_.cell("#address-cells", 0);
      fdt_.empty("interrupt-controller");
      const uint64_t redistributors = kRedistributors.size * config_.cpus;
      const auto low = [](uint64_t value) { return static_cast<uint32_t>(value); };
      fdt_.cells("reg", {0, low(kDistributor.base.value), 0, low(kDistributor.size), 0, low(kRedistributors.base.value),
                         0, low(redistributors)});
      fdt_.cell("phandle", kGicHandle);
    });
  }

  void clock() {
    fdt_.node("clock", [this] {
      fdt_.string("compatible", "fixed-clock");
      fdt_.cell("#clock-cells", 0);
      fdt_.cell("clock-frequency", kPeripheralClock);
      fdt_.cell("phandle", kClockHandle);
    });
  }

  /// One of Arm's PrimeCells, all clocks of which are the same.
  void primecell(const char* name, const char* model, hv::GuestRange range, uint32_t interrupt,
                 std::initializer_list<std::string_view> clocks) {
    fdt_.node(at(name, range), [&] {
      fdt_.strings("compatible", {model, "arm,primecell"});
      fdt_.reg(range.base.value, range.size);
      fdt_.cells("interrupts", {kShared, interrupt, kLevel});
      const std::vector<uint32_t> handles(clocks.size(), kClockHandle);
      fdt_.cells("clocks", handles);
      fdt_.strings("clock-names", clocks);
    });
  }

  void virtio(unsigned slot) {
    const hv::GuestRange range = virtio_slot(slot);
    fdt_.node(at("virtio_mmio", range), [&] {
      fdt_.string("compatible", "virtio,mmio");
      fdt_.reg(range.base.value, range.size);
      fdt_.cells("interrupts", {kShared, virtio_interrupt(slot), kEdge});
      fdt_.empty("dma-coherent");
    });
  }

  const DeviceTreeConfig& config_;
  FdtBuilder fdt_;
};

}  // namespace

hv::Result<std::vector<std::byte>> make_device_tree(const DeviceTreeConfig& config) { return Writer(config).write(); }

}  // namespace vmm::arm64
