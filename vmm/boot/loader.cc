#include "vmm/boot/loader.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "hv/base/bits.h"
#include "vmm/boot/boot_file.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/linux_image.h"

namespace vmm {
namespace {

constexpr uint64_t kKernelAlignment = uint64_t{2} << 20;  // a huge page, which the RISC-V kernel is mapped with

tl::unexpected<hv::Error> about(const std::string& path, const hv::Error& error) {
  return hv::error("{}: {}", path, error.message);
}

tl::unexpected<hv::Error> no_room(const std::string& path, hv::GuestRange range) {
  return hv::error("{}: needs {} KiB at {:#x}, which is not all RAM; give the machine more memory", path,
                   (range.size + 1023) >> 10, range.base.value);
}

/// RAM is zero at first, so what a segment has beyond its data needs no write.
hv::Result<LoadedProgram> place_elf(const ElfFile& elf, uint64_t bias, const std::string& path,
                                    hv::GuestMemory& memory) {
  for (const ElfSegment& segment : elf.segments) {
    const hv::GuestRange range{{segment.physical_address + bias}, segment.memory_size};
    if (memory.host_pointer(range.base, range.size) == nullptr) return no_room(path, range);
    TRY(memory.write(range.base, segment.data));
  }
  const auto address = [&](std::string_view name) -> std::optional<hv::GuestAddress> {
    const std::optional<uint64_t> value = elf.symbol(name);
    if (!value) return std::nullopt;
    return hv::GuestAddress{*value + bias};
  };
  const uint64_t low = elf.lowest_physical_address();
  return LoadedProgram{{elf.physical_entry() + bias},
                       {{low + bias}, elf.highest_physical_address() - low},
                       address("tohost"),
                       address("fromhost")};
}

hv::Result<LoadedProgram> place_flat(std::span<const std::byte> image, hv::GuestRange range, const std::string& path,
                                     hv::GuestMemory& memory) {
  if (memory.host_pointer(range.base, range.size) == nullptr) return no_room(path, range);
  TRY(memory.write(range.base, image));
  return LoadedProgram{range.base, range, {}, {}};
}

hv::GuestRange range_of(const LinuxImageHeader& header, hv::GuestRange ram) {
  return {ram.base + header.text_offset, header.image_size};
}

hv::Result<LoadedProgram> read_flat(const BootFile& file, hv::GuestRange range, hv::GuestMemory& memory) {
  if (memory.host_pointer(range.base, range.size) == nullptr) return no_room(file.path(), range);
  TRY(file.read_into(memory, {range.base, file.size()}));
  return LoadedProgram{range.base, range, {}, {}};
}

hv::Result<LoadedProgram> load_kernel(LinuxImage kind, const std::string& path, hv::GuestMemory& memory,
                                      hv::GuestRange ram) {
  const BootFile file = TRY(BootFile::open(path));
  std::array<std::byte, kLinuxImageHeaderSize> start{};
  TRY(file.read(std::span(start).first(std::min<uint64_t>(start.size(), file.size()))));
  // Without a copy in between: a kernel would be the most that the program ever holds.
  if (const auto plain = parse_linux_image(kind, start, file.size()))
    return read_flat(file, range_of(*plain, ram), memory);

  const hv::Result<std::vector<std::byte>> unwrapped = unwrap_kernel(TRY(file.read_all()), kMaxKernelSize);
  if (!unwrapped) return about(path, unwrapped.error());
  if (kind == LinuxImage::riscv64 && is_elf(*unwrapped)) {
    const hv::Result<ElfFile> elf = parse_elf(*unwrapped, kElfRiscv);
    if (!elf) return about(path, elf.error());
    // A vmlinux is linked for no physical address: it goes where its Image form would.
    const uint64_t low = elf->lowest_physical_address();
    const uint64_t bias = ram.contains({low}) ? 0 : (ram.base + kKernelAlignment).value - low;
    return place_elf(*elf, bias, path, memory);
  }
  const hv::Result<LinuxImageHeader> header = parse_linux_image(kind, *unwrapped);
  if (!header) return about(path, header.error());
  return place_flat(*unwrapped, range_of(*header, ram), path, memory);
}

}  // namespace

hv::Result<LoadedProgram> load_riscv_kernel(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram) {
  return load_kernel(LinuxImage::riscv64, path, memory, ram);
}

hv::Result<LoadedProgram> load_arm64_kernel(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram) {
  return load_kernel(LinuxImage::arm64, path, memory, ram);
}

hv::Result<LoadedProgram> load_riscv_firmware(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram) {
  const std::vector<std::byte> file = TRY(TRY(BootFile::open(path)).read_all());
  if (file.empty()) return hv::error("{}: empty", path);
  if (!is_elf(file)) return place_flat(file, {ram.base, file.size()}, path, memory);
  const hv::Result<ElfFile> elf = parse_elf(file, kElfRiscv);
  if (!elf) return about(path, elf.error());
  return place_elf(*elf, 0, path, memory);
}

hv::Result<LoadedProgram> load_riscv_program(const std::string& path, hv::GuestMemory& memory) {
  const std::vector<std::byte> file = TRY(TRY(BootFile::open(path)).read_all());
  const hv::Result<ElfFile> elf = parse_elf(file, kElfRiscv);
  if (!elf) return about(path, elf.error());
  return place_elf(*elf, 0, path, memory);
}

hv::Result<hv::GuestRange> load_initrd(const std::string& path, hv::GuestMemory& memory, hv::GuestAddress floor,
                                       hv::GuestAddress limit) {
  const BootFile file = TRY(BootFile::open(path));
  if (file.size() == 0) return hv::error("{}: empty", path);
  const uint64_t room = limit > floor ? limit - floor : 0;
  const hv::GuestAddress base{hv::align_down(limit.value - std::min(file.size(), room), hv::kGuestPageSize)};
  if (file.size() > room || base < floor || memory.host_pointer(base, file.size()) == nullptr) {
    return hv::error("{}: its {} KiB do not fit into memory beside the kernel; give the machine more memory", path,
                     (file.size() + 1023) >> 10);
  }
  TRY(file.read_into(memory, {base, file.size()}));
  return hv::GuestRange{base, file.size()};
}

}  // namespace vmm
