#include "vmm/machine/arm64/boot.h"

#include "vmm/boot/loader.h"
#include "vmm/boot/tree_parts.h"
#include "vmm/config/cmdline.h"
#include "vmm/machine/arm64/device_tree.h"

namespace vmm::arm64 {

hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, unsigned virtio_devices) {
  DeviceTreeConfig tree;
  tree.cpus = config.cpus;
  tree.ram = memory.regions()[0].range;
  tree.chosen.cmdline = kernel_cmdline(config.boot.cmdline);
  make_seeds(tree.chosen);
  tree.virtio_devices = virtio_devices;
  tree.uart_is_console = config.console.device == ConsoleDevice::uart;
  // The tree's size does not depend on where the initrd lies, only on there being one.
  tree.chosen.initrd.size = config.boot.initrd.empty() ? 0 : 1;
  const hv::GuestAddress top = TRY(place_at_top(tree.ram, TRY(make_device_tree(tree)).size())).device_tree;

  const LoadedProgram kernel = TRY(load_arm64_kernel(config.boot.kernel, memory, tree.ram));
  const hv::GuestAddress end = kernel.range.base + kernel.range.size;
  if (end > top) return hv::error("no room in memory for the device tree; give the machine more memory");
  if (!config.boot.initrd.empty()) tree.chosen.initrd = TRY(load_initrd(config.boot.initrd, memory, end, top));
  TRY(memory.write(top, TRY(make_device_tree(tree))));
  return BootState{kernel.entry.value, top.value};
}

}  // namespace vmm::arm64
