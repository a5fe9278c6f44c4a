#include "vmm/boot/x86_kernel.h"

#include <algorithm>
#include <array>
#include <span>

#include "hv/base/bits.h"
#include "hv/base/endian.h"
#include "vmm/boot/boot_file.h"
#include "vmm/boot/elf.h"

namespace vmm {
namespace {

/// Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"; offsets from the start of the file.
namespace header {
constexpr size_t kStart = 0x1f1;
constexpr size_t kSetupSectors = 0x1f1;
constexpr size_t kJumpLength = 0x201;
constexpr size_t kMagic = 0x202;
constexpr size_t kVersion = 0x206;
constexpr size_t kLoadFlags = 0x211;
constexpr size_t kInitrdMax = 0x22c;
constexpr size_t kXLoadFlags = 0x236;
constexpr size_t kCmdlineSize = 0x238;
constexpr size_t kPreferredAddress = 0x258;
constexpr size_t kInitSize = 0x260;
constexpr size_t kEnd = 0x280;
}  // namespace header

constexpr uint32_t kMagic = 0x5372'6448;  // "HdrS"
constexpr uint16_t kOldestVersion = 0x20c;
constexpr uint8_t kLoadedHigh = 1;
constexpr uint16_t kHas64BitEntry = 1;
constexpr uint64_t kEntry64 = 0x200;  // behind the 32-bit entry
constexpr size_t kSector = 512;
constexpr uint64_t kFourGib = uint64_t{1} << 32;

using Start = std::array<std::byte, header::kEnd>;

template <typename T>
T field(const Start& start, size_t offset) {
  return hv::load_le<T>(start.data() + offset);
}

tl::unexpected<hv::Error> no_room(const std::string& path, hv::GuestRange range) {
  return hv::error("{}: needs {} KiB at {:#x}, which is not all RAM; give the machine more memory", path,
                   (range.size + 1023) >> 10, range.base.value);
}

hv::Result<void> check_header(const Start& start, const std::string& path) {
  if (field<uint32_t>(start, header::kMagic) != kMagic)
    return hv::error("{}: not an x86-64 Linux kernel (neither bzImage nor ELF)", path);
  const auto version = field<uint16_t>(start, header::kVersion);
  if (version < kOldestVersion)
    return hv::error("{}: a kernel with boot protocol {}.{}, and 2.12 is the oldest that works", path, version >> 8,
                     version & 0xff);
  if ((field<uint8_t>(start, header::kLoadFlags) & kLoadedHigh) == 0)
    return hv::error("{}: a kernel that is loaded below 1 MiB (zImage)", path);
  if ((field<uint16_t>(start, header::kXLoadFlags) & kHas64BitEntry) == 0)
    return hv::error("{}: a kernel without a 64-bit entry", path);
  return {};
}

hv::Result<X86Kernel> load_bzimage(const BootFile& file, const Start& start, hv::GuestMemory& memory) {
  TRY(check_header(start, file.path()));
  const auto sectors = field<uint8_t>(start, header::kSetupSectors);
  const uint64_t setup_size = (sectors == 0 ? 4 : sectors) * kSector + kSector;
  if (setup_size >= file.size()) return hv::error("{}: a kernel that is cut off", file.path());
  const uint64_t size = file.size() - setup_size;

  X86Kernel kernel;
  kernel.range = {{field<uint64_t>(start, header::kPreferredAddress)},
                  std::max<uint64_t>(size, field<uint32_t>(start, header::kInitSize))};
  if (memory.host_pointer(kernel.range.base, kernel.range.size) == nullptr) return no_room(file.path(), kernel.range);
  TRY(file.read_into(memory, {kernel.range.base, size}, setup_size));
  kernel.entry = kernel.range.base + kEntry64;

  const size_t header_end = std::min(header::kEnd, header::kMagic + field<uint8_t>(start, header::kJumpLength));
  kernel.setup_header.assign(start.begin() + header::kStart, start.begin() + static_cast<ptrdiff_t>(header_end));
  kernel.initrd_limit = uint64_t{field<uint32_t>(start, header::kInitrdMax)} + 1;
  kernel.cmdline_limit = field<uint32_t>(start, header::kCmdlineSize);
  return kernel;
}

hv::Result<X86Kernel> load_elf(const BootFile& file, hv::GuestMemory& memory) {
  const std::vector<std::byte> data = TRY(file.read_all());
  const hv::Result<ElfFile> elf = parse_elf(data, kElfX86_64);
  if (!elf) return hv::error("{}: {}", file.path(), elf.error().message);
  if (!elf->pvh_entry || *elf->pvh_entry >= kFourGib)
    return hv::error("{}: an ELF kernel without a PVH entry; give the bzImage (CONFIG_PVH makes one)", file.path());
  for (const ElfSegment& segment : elf->segments) {
    const hv::GuestRange range{{segment.physical_address}, segment.memory_size};
    if (memory.host_pointer(range.base, range.size) == nullptr) return no_room(file.path(), range);
    TRY(memory.write(range.base, segment.data));
  }
  X86Kernel kernel;
  kernel.protocol = X86Protocol::pvh;
  kernel.entry = {*elf->pvh_entry};
  const uint64_t low = elf->lowest_physical_address();
  kernel.range = {{low}, elf->highest_physical_address() - low};
  kernel.initrd_limit = kFourGib;
  constexpr size_t kLinuxCmdline = 2047;  // COMMAND_LINE_SIZE, less the NUL
  kernel.cmdline_limit = kLinuxCmdline;
  return kernel;
}

}  // namespace

hv::Result<X86Kernel> load_x86_kernel(const std::string& path, hv::GuestMemory& memory) {
  const BootFile file = TRY(BootFile::open(path));
  Start start{};
  TRY(file.read(std::span(start).first(std::min<uint64_t>(start.size(), file.size()))));
  return is_elf(start) ? load_elf(file, memory) : load_bzimage(file, start, memory);
}

}  // namespace vmm
