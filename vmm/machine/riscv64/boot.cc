#include "vmm/machine/riscv64/boot.h"

#include "vmm/boot/loader.h"
#include "vmm/boot/tree_parts.h"
#include "vmm/config/cmdline.h"
#include "vmm/machine/riscv64/device_tree.h"
#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

/// OpenSBI 1.x, include/sbi/fw_dynamic.h
struct FirmwareInfo {
  uint64_t magic = 0x4942'534f;  // "OSBI"
  uint64_t version = 2;
  uint64_t next_address = 0;
  uint64_t next_mode = 1;  // S
  uint64_t options = 0;
  uint64_t boot_hart = 0;
};

DeviceTreeConfig describe(const MachineConfig& config, hv::GuestRange ram, const Processor& processor,
                          unsigned virtio_devices) {
  DeviceTreeConfig tree;
  tree.processor = processor;
  tree.cpus = config.cpus;
  tree.ram = ram;
  tree.chosen.cmdline = kernel_cmdline(config.boot.cmdline);
  make_seeds(tree.chosen);
  tree.virtio_devices = virtio_devices;
  tree.uart_is_console = config.console.device == ConsoleDevice::uart;
  return tree;
}

}  // namespace

hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, const Processor& processor,
                                       unsigned virtio_devices) {
  const hv::GuestRange ram = memory.regions()[0].range;
  DeviceTreeConfig tree_config = describe(config, ram, processor, virtio_devices);
  // The tree's size does not depend on where the initrd lies, only on there being one.
  tree_config.chosen.initrd.size = config.boot.initrd.empty() ? 0 : 1;
  const TopOfRam top = TRY(place_at_top(ram, TRY(make_device_tree(tree_config)).size()));

  BootState state;
  state.device_tree = top.device_tree.value;
  hv::GuestAddress loaded_end = ram.base;
  if (!config.boot.bare.empty()) {
    const LoadedProgram program = TRY(load_riscv_program(config.boot.bare, memory));
    state.entry = program.entry.value;
    state.tohost = program.tohost;
    state.fromhost = program.fromhost;
    loaded_end = program.range.base + program.range.size;
  }
  FirmwareInfo info;
  if (!config.boot.kernel.empty()) {
    const LoadedProgram kernel = TRY(load_riscv_kernel(config.boot.kernel, memory, ram));
    state.entry = info.next_address = kernel.entry.value;
    loaded_end = kernel.range.base + kernel.range.size;
    if (!config.boot.initrd.empty())
      tree_config.chosen.initrd = TRY(load_initrd(config.boot.initrd, memory, loaded_end, top.device_tree));
  }
  if (!config.boot.firmware.empty()) {
    const LoadedProgram firmware = TRY(load_riscv_firmware(config.boot.firmware, memory, ram));
    state.entry = firmware.entry.value;
    state.firmware_info = top.page.value;
    TRY(memory.store(top.page, info));
    if (info.next_address != 0 && firmware.range.contains({info.next_address}))
      return hv::error("{}: it reaches into the kernel's memory at {:#x}", config.boot.firmware, info.next_address);
  }
  if (loaded_end > top.device_tree)
    return hv::error("no room in memory for the device tree; give the machine more memory");
  TRY(memory.write(top.device_tree, TRY(make_device_tree(tree_config))));
  return state;
}

}  // namespace vmm::riscv64
