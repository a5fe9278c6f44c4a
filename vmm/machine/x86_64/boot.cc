#include "vmm/machine/x86_64/boot.h"

#include <algorithm>
#include <array>
#include <vector>

#include "devices/power/acpi_power.h"
#include "devices/timer/cmos_rtc.h"
#include "hv/base/endian.h"
#include "vmm/boot/acpi/tables.h"
#include "vmm/boot/loader.h"
#include "vmm/config/cmdline.h"
#include "vmm/machine/x86_64/dsdt.h"
#include "vmm/machine/x86_64/memory_map.h"

namespace vmm::x86_64 {
namespace {

/// One range of the memory map, in the form of e820 and of hvm_memmap_table_entry alike.
struct MapEntry {
  static constexpr uint32_t kRam = 1;
  static constexpr uint32_t kReserved = 2;
  uint64_t base = 0;
  uint64_t size = 0;
  uint32_t type = kRam;
};

std::vector<MapEntry> memory_map(const hv::GuestMemory& memory) {
  std::vector<MapEntry> map = {
      {0, kLowEnd.value, MapEntry::kRam},
      {kLowEnd.value, kHighMemory - kLowEnd, MapEntry::kReserved},
      {kHighMemory.value, memory.regions()[0].range.size - kHighMemory.value, MapEntry::kRam},
  };
  for (const auto& region : memory.regions().subspan(1))
    map.push_back({region.range.base.value, region.range.size, MapEntry::kRam});
  return map;
}

hv::Result<void> write_page_tables(hv::GuestMemory& memory) {
  constexpr uint64_t kPresentWritable = 3;
  constexpr uint64_t kLargePage = 1u << 7;
  constexpr uint64_t kTable = 4096, kEntries = 512, kGibs = 4;
  const uint64_t pointers = kPageTables.base.value + kTable;
  TRY(memory.store(kPageTables.base, pointers | kPresentWritable));
  for (uint64_t gib = 0; gib < kGibs; ++gib) {
    const uint64_t directory = pointers + kTable * (gib + 1);
    TRY(memory.store({pointers + 8 * gib}, directory | kPresentWritable));
    for (uint64_t i = 0; i < kEntries; ++i)
      TRY(memory.store({directory + 8 * i}, (gib << 30) | (i << 21) | kPresentWritable | kLargePage));
  }
  return {};
}

/// Code at 0x10 and data at 0x18, as the boot protocol wants them. Intel SDM volume 3A §3.4.5
hv::Result<void> write_segments(hv::GuestMemory& memory, X86Protocol protocol) {
  constexpr uint64_t kCode64 = 0x00af'9b00'0000'ffff, kCode32 = 0x00cf'9b00'0000'ffff, kData = 0x00cf'9300'0000'ffff;
  TRY(memory.store(kGdt.base + 0x10, protocol == X86Protocol::linux64 ? kCode64 : kCode32));
  return memory.store(kGdt.base + 0x18, kData);
}

/// Linux, Documentation/arch/x86/zero-page.rst
hv::Result<void> write_boot_params(hv::GuestMemory& memory, const X86Kernel& kernel, hv::GuestRange initrd) {
  constexpr size_t kAcpiRsdp = 0x070, kInitrdHigh = 0x0c0, kInitrdSizeHigh = 0x0c4, kMapCount = 0x1e8;
  constexpr size_t kSetupHeader = 0x1f1, kLoaderType = 0x210, kInitrd = 0x218, kInitrdSize = 0x21c;
  constexpr size_t kCmdlinePointer = 0x228, kMap = 0x2d0, kMapEntrySize = 20;
  constexpr uint8_t kUnknownLoader = 0xff;
  std::vector<std::byte> page(kBootParameters.size);
  const auto put = [&](size_t offset, auto value) { hv::store_le(page.data() + offset, value); };
  std::ranges::copy(kernel.setup_header, page.begin() + kSetupHeader);
  put(kAcpiRsdp, kAcpiTables.base.value);
  put(kLoaderType, kUnknownLoader);
  put(kInitrd, static_cast<uint32_t>(initrd.base.value));
  put(kInitrdHigh, static_cast<uint32_t>(initrd.base.value >> 32));
  put(kInitrdSize, static_cast<uint32_t>(initrd.size));
  put(kInitrdSizeHigh, static_cast<uint32_t>(initrd.size >> 32));
  put(kCmdlinePointer, static_cast<uint32_t>(kCmdline.base.value));
  const std::vector<MapEntry> map = memory_map(memory);
  put(kMapCount, static_cast<uint8_t>(map.size()));
  for (size_t i = 0; i < map.size(); ++i) {
    put(kMap + i * kMapEntrySize, map[i].base);
    put(kMap + i * kMapEntrySize + 8, map[i].size);
    put(kMap + i * kMapEntrySize + 16, map[i].type);
  }
  return memory.write(kBootParameters.base, page);
}

/// Xen, xen/include/public/arch-x86/hvm/start_info.h, version 1: the structure, one module, the memory map.
hv::Result<void> write_start_info(hv::GuestMemory& memory, hv::GuestRange initrd) {
  constexpr uint32_t kMagic = 0x336e'c578, kVersion = 1;
  constexpr size_t kModule = 0x40, kMap = 0x80, kMapEntrySize = 24;
  std::vector<std::byte> page(kBootParameters.size);
  const auto put = [&](size_t offset, auto value) { hv::store_le(page.data() + offset, value); };
  const std::vector<MapEntry> map = memory_map(memory);
  put(0, kMagic);
  put(4, kVersion);
  put(12, uint32_t{initrd.size != 0});
  put(16, (kBootParameters.base + kModule).value);
  put(24, kCmdline.base.value);
  put(32, kAcpiTables.base.value);
  put(40, (kBootParameters.base + kMap).value);
  put(48, static_cast<uint32_t>(map.size()));
  put(kModule, initrd.base.value);
  put(kModule + 8, initrd.size);
  for (size_t i = 0; i < map.size(); ++i) {
    put(kMap + i * kMapEntrySize, map[i].base);
    put(kMap + i * kMapEntrySize + 8, map[i].size);
    put(kMap + i * kMapEntrySize + 16, map[i].type);
  }
  return memory.write(kBootParameters.base, page);
}

/// Where a PC's firmware starts over. Linux goes there in real mode to restart a machine whose makers it does not know:
/// the code resets the machine through the keyboard controller.
hv::Result<void> write_reset_vector(hv::GuestMemory& memory) {
  constexpr std::array<uint8_t, 7> kCode = {0xb0, 0xfe,   // mov al, 0xfe
                                            0xe6, 0x64,   // out 0x64, al
                                            0xf4,         // hlt
                                            0xeb, 0xfd};  // jmp to the hlt
  return memory.write(kResetVector, std::as_bytes(std::span(kCode)));
}

hv::Result<void> write_cmdline(const MachineConfig& config, const X86Kernel& kernel, hv::GuestMemory& memory) {
  const std::string text = kernel_cmdline(config.boot.cmdline);
  const size_t limit = std::min<size_t>(kernel.cmdline_limit, kCmdline.size - 1);
  if (text.size() > limit)
    return hv::error("{}: its command line has {} bytes, and the kernel takes {}", config.boot.kernel, text.size(),
                     limit);
  return memory.write(kCmdline.base, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

hv::Result<void> write_acpi_tables(const MachineConfig& config, hv::GuestMemory& memory, unsigned virtio_devices) {
  using devices::AcpiPower;
  const auto port = [](uint64_t offset) { return static_cast<uint16_t>(kPower.base.value + offset); };
  const acpi::Power power{port(AcpiPower::kSleepControl), port(AcpiPower::kSleepStatus), port(AcpiPower::kReset),
                          AcpiPower::kResetValue, devices::CmosRtc::kCentury};
  return memory.write(kAcpiTables.base, TRY(acpi::make_tables(kAcpiTables, power, {config.cpus, kLocalApic, kIoApic},
                                                              make_dsdt(virtio_devices))));
}

}  // namespace

hv::Result<BootState> load_boot_images(const MachineConfig& config, hv::GuestMemory& memory, unsigned virtio_devices) {
  const X86Kernel kernel = TRY(load_x86_kernel(config.boot.kernel, memory));
  hv::GuestRange initrd;
  if (!config.boot.initrd.empty()) {
    const uint64_t limit = std::min(kernel.initrd_limit, memory.regions()[0].range.size);
    initrd = TRY(load_initrd(config.boot.initrd, memory, kernel.range.base + kernel.range.size, {limit}));
  }
  TRY(write_page_tables(memory));
  TRY(write_segments(memory, kernel.protocol));
  TRY(write_reset_vector(memory));
  TRY(write_cmdline(config, kernel, memory));
  TRY(write_acpi_tables(config, memory, virtio_devices));
  if (kernel.protocol == X86Protocol::linux64) {
    TRY(write_boot_params(memory, kernel, initrd));
  } else {
    TRY(write_start_info(memory, initrd));
  }
  return BootState{kernel.protocol, kernel.entry.value, kBootParameters.base.value};
}

}  // namespace vmm::x86_64
