#include "vmm/machine/riscv64/device_tree.h"

#include <string_view>

#include <fmt/format.h>

#include "vmm/boot/fdt_builder.h"
#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

// Local interrupt numbers, RISC-V Privileged §3.1.9.
constexpr uint32_t kSupervisorSoftware = 1;
constexpr uint32_t kMachineSoftware = 3;
constexpr uint32_t kMachineTimer = 7;
constexpr uint32_t kSupervisorExternal = 9;
constexpr uint32_t kMachineExternal = 11;

// Phandles. A hart's interrupt controller has kFirstHart + its number.
constexpr uint32_t kPlicHandle = 1;
constexpr uint32_t kSysconHandle = 2;
constexpr uint32_t kFirstHart = 16;

class Writer {
 public:
  explicit Writer(const DeviceTreeConfig& config) : config_(config) {}

  hv::Result<std::vector<std::byte>> write() {
    fdt_.node("", [this] {
      fdt_.cell("#address-cells", 2);
      fdt_.cell("#size-cells", 2);
      fdt_.string("compatible", "riscv-virtio");
      fdt_.string("model", "vireo,riscv64");
      chosen();
      add_memory(fdt_, config_.ram);
      cpus();
      power("poweroff", "syscon-poweroff", kSysconPowerOff);
      power("reboot", "syscon-reboot", kSysconReboot);
      soc();
    });
    return fdt_.finish();
  }

 private:
  void chosen() {
    Chosen chosen = config_.chosen;
    if (config_.uart_is_console) chosen.stdout_path = "/soc/" + at("serial", kUart);
    add_chosen(fdt_, chosen);
  }

  void cpus() {
    fdt_.node("cpus", [this] {
      fdt_.cell("#address-cells", 1);
      fdt_.cell("#size-cells", 0);
      fdt_.cell("timebase-frequency", static_cast<uint32_t>(config_.processor.timebase));
      for (unsigned hart = 0; hart < config_.cpus; ++hart) cpu(hart);
    });
  }

  /// Linux, Documentation/devicetree/bindings/riscv/cpus.yaml and extensions.yaml
  void cpu(unsigned hart) {
    fdt_.node(fmt::format("cpu@{:x}", hart), [this, hart] {
      fdt_.string("device_type", "cpu");
      fdt_.cell("reg", hart);
      fdt_.string("status", "okay");
      fdt_.string("compatible", "riscv");
      fdt_.string("riscv,isa", isa_string(config_.processor));
      fdt_.string("riscv,isa-base", "rv64i");
      std::string extensions;
      for (const std::string& extension : config_.processor.extensions) extensions.append(extension).push_back('\0');
      fdt_.bytes("riscv,isa-extensions", std::as_bytes(std::span(extensions)));
      fdt_.string("mmu-type", fmt::format("riscv,sv{}", config_.processor.address_bits));
      block_size("riscv,cbom-block-size", config_.processor.cbom_block);
      block_size("riscv,cboz-block-size", config_.processor.cboz_block);
      block_size("riscv,cbop-block-size", config_.processor.cbop_block);
      fdt_.node("interrupt-controller", [this, hart] {
        fdt_.cell("#interrupt-cells", 1);
        fdt_.cell("#address-cells", 0);
        fdt_.empty("interrupt-controller");
        fdt_.string("compatible", "riscv,cpu-intc");
        fdt_.cell("phandle", kFirstHart + hart);
      });
    });
  }

  void block_size(const char* name, uint32_t bytes) {
    if (bytes != 0) fdt_.cell(name, bytes);
  }

  void power(const std::string& name, const std::string& compatible, uint32_t value) {
    fdt_.node(name, [&] {
      fdt_.string("compatible", compatible);
      fdt_.cell("regmap", kSysconHandle);
      fdt_.cell("offset", 0);
      fdt_.cell("value", value);
    });
  }

  void soc() {
    fdt_.node("soc", [this] {
      fdt_.cell("#address-cells", 2);
      fdt_.cell("#size-cells", 2);
      fdt_.string("compatible", "simple-bus");
      fdt_.empty("ranges");
      syscon();
      rtc();
      if (config_.processor.has_machine_mode) {
        clint();
        sswi();
      }
      plic();
      uart();
      for (unsigned slot = 0; slot < config_.virtio_devices; ++slot) virtio(slot);
    });
  }

  void syscon() {
    fdt_.node(at("syscon", kSyscon), [this] {
      fdt_.strings("compatible", {"sifive,test1", "sifive,test0", "syscon"});
      fdt_.reg(kSyscon.base.value, kSyscon.size);
      fdt_.cell("phandle", kSysconHandle);
    });
  }

  void rtc() {
    fdt_.node(at("rtc", kRtc), [this] {
      fdt_.string("compatible", "google,goldfish-rtc");
      fdt_.reg(kRtc.base.value, kRtc.size);
      wired(kRtcInterrupt);
    });
  }

  void clint() {
    fdt_.node(at("clint", kClint), [this] {
      fdt_.strings("compatible", {"sifive,clint0", "riscv,clint0"});
      fdt_.reg(kClint.base.value, kClint.size);
      fdt_.cells("interrupts-extended", local_interrupts({kMachineSoftware, kMachineTimer}));
    });
  }

  /// Linux, Documentation/devicetree/bindings/interrupt-controller/thead,c900-aclint-sswi.yaml: registers as ACLINT's
  void sswi() {
    fdt_.node(at("interrupt-controller", kSswi), [this] {
      fdt_.strings("compatible", {"thead,c900-aclint-sswi"});
      fdt_.reg(kSswi.base.value, kSswi.size);
      fdt_.cell("#interrupt-cells", 0);
      fdt_.cell("#address-cells", 0);
      fdt_.empty("interrupt-controller");
      fdt_.cells("interrupts-extended", local_interrupts({kSupervisorSoftware}));
    });
  }

  void plic() {
    fdt_.node(at("interrupt-controller", kPlic), [this] {
      fdt_.strings("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
      fdt_.reg(kPlic.base.value, kPlic.size);
      fdt_.cell("#interrupt-cells", 1);
      fdt_.cell("#address-cells", 0);
      fdt_.empty("interrupt-controller");
      fdt_.cell("riscv,ndev", kInterruptSources);
      fdt_.cells("interrupts-extended", local_interrupts({kMachineExternal, kSupervisorExternal}));
      fdt_.cell("phandle", kPlicHandle);
    });
  }

  void uart() {
    fdt_.node(at("serial", kUart), [this] {
      fdt_.string("compatible", "ns16550a");
      fdt_.reg(kUart.base.value, kUart.size);
      fdt_.cell("clock-frequency", kUartClock);
      wired(kUartInterrupt);
    });
  }

  void virtio(unsigned slot) {
    const hv::GuestRange range = virtio_slot(slot);
    fdt_.node(at("virtio_mmio", range), [&] {
      fdt_.string("compatible", "virtio,mmio");
      fdt_.reg(range.base.value, range.size);
      wired(virtio_interrupt(slot));
    });
  }

  void wired(uint32_t interrupt) {
    fdt_.cell("interrupt-parent", kPlicHandle);
    fdt_.cell("interrupts", interrupt);
  }

  /// Each hart's inputs that a controller drives, hart by hart.
  std::vector<uint32_t> local_interrupts(std::initializer_list<uint32_t> interrupts) const {
    std::vector<uint32_t> cells;
    for (unsigned hart = 0; hart < config_.cpus; ++hart) {
      for (const uint32_t interrupt : interrupts) cells.insert(cells.end(), {kFirstHart + hart, interrupt});
    }
    return cells;
  }

  const DeviceTreeConfig& config_;
  FdtBuilder fdt_;
};

}  // namespace

hv::Result<std::vector<std::byte>> make_device_tree(const DeviceTreeConfig& config) { return Writer(config).write(); }

}  // namespace vmm::riscv64
