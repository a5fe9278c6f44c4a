#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include <libfdt.h>
}

#include "hv/base/check.h"
#include "vmm/machine/riscv64/device_tree.h"

/// Any bytes are a configuration of a device tree, the kernel's command line among them: the tree is one that libfdt's
/// own checks pass and that gives the command line back.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 24) return 0;
  vmm::riscv64::DeviceTreeConfig config;
  config.cpus = 1 + data[0] % 16;
  config.virtio_devices = data[1] % 25;
  config.uart_is_console = (data[2] & 1) != 0;
  std::memcpy(&config.ram.size, data + 4, sizeof config.ram.size);
  std::memcpy(&config.chosen.initrd, data + 8, sizeof config.chosen.initrd);
  const std::string text(reinterpret_cast<const char*>(data) + 24, size - 24);
  config.chosen.cmdline = text.c_str();  // the configuration's texts have no NUL inside
  const auto tree = vmm::riscv64::make_device_tree(config);
  if (!tree) return 0;
  CHECK(::fdt_check_full(tree->data(), tree->size()) == 0);
  const int chosen = ::fdt_path_offset(tree->data(), "/chosen");
  const char* const bootargs = ::fdt_stringlist_get(tree->data(), chosen, "bootargs", 0, nullptr);
  CHECK(config.chosen.cmdline.empty() || bootargs == config.chosen.cmdline);
  return 0;
}
