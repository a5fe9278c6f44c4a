#include "vmm/boot/loader.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <span>
#include <unistd.h>
#include <vector>

#include <sys/stat.h>

#include "hv/base/bits.h"
#include "hv/base/unique_fd.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/linux_image.h"

namespace vmm {
namespace {

constexpr size_t kMaxKernelSize = size_t{1} << 30;
constexpr uint64_t kKernelAlignment = uint64_t{2} << 20;  // a huge page, which the RISC-V kernel is mapped with

struct OpenFile {
  hv::UniqueFd fd;
  uint64_t size = 0;
};

hv::Result<OpenFile> open_file(const std::string& path) {
  OpenFile file{hv::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0};
  if (!file.fd) return hv::os_error("{}: cannot be opened", path);
  struct stat status {};
  if (::fstat(file.fd.get(), &status) != 0) return hv::os_error("{}: cannot be read", path);
  if (!S_ISREG(status.st_mode)) return hv::error("{}: not a regular file", path);
  file.size = static_cast<uint64_t>(status.st_size);
  return file;
}

/// The first `out.size()` bytes.
hv::Result<void> read_fully(const OpenFile& file, std::span<std::byte> out, const std::string& path) {
  for (uint64_t done = 0; done < out.size();) {
    const ssize_t count = ::pread(file.fd.get(), out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return hv::os_error("{}: cannot be read", path);
    if (count == 0) return hv::error("{}: it became shorter while it was read", path);
    done += static_cast<uint64_t>(count);
  }
  return {};
}

hv::Result<std::vector<std::byte>> read_file(const OpenFile& file, const std::string& path) {
  if (file.size > kMaxKernelSize) return hv::error("{}: larger than {} MiB", path, kMaxKernelSize >> 20);
  std::vector<std::byte> data(file.size);
  TRY(read_fully(file, data, path));
  return data;
}

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

hv::Result<LoadedProgram> read_flat(const OpenFile& file, hv::GuestRange range, const std::string& path,
                                    hv::GuestMemory& memory) {
  std::byte* const host = memory.host_pointer(range.base, range.size);
  if (host == nullptr) return no_room(path, range);
  TRY(read_fully(file, {host, file.size}, path));
  memory.mark_dirty(range.base, file.size);
  return LoadedProgram{range.base, range, {}, {}};
}

}  // namespace

hv::Result<LoadedProgram> load_riscv_kernel(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram) {
  const OpenFile file = TRY(open_file(path));
  std::array<std::byte, kLinuxImageHeaderSize> start{};
  TRY(read_fully(file, std::span(start).first(std::min<uint64_t>(start.size(), file.size)), path));
  // Without a copy in between: a kernel would be the most that the program ever holds.
  if (const auto plain = parse_riscv_image(start, file.size))
    return read_flat(file, range_of(*plain, ram), path, memory);

  const hv::Result<std::vector<std::byte>> unwrapped = unwrap_kernel(TRY(read_file(file, path)), kMaxKernelSize);
  if (!unwrapped) return about(path, unwrapped.error());
  if (is_elf(*unwrapped)) {
    const hv::Result<ElfFile> elf = parse_elf(*unwrapped, kElfRiscv);
    if (!elf) return about(path, elf.error());
    // A vmlinux is linked for no physical address: it goes where its Image form would.
    const uint64_t low = elf->lowest_physical_address();
    const uint64_t bias = ram.contains({low}) ? 0 : (ram.base + kKernelAlignment).value - low;
    return place_elf(*elf, bias, path, memory);
  }
  const hv::Result<LinuxImageHeader> header = parse_riscv_image(*unwrapped);
  if (!header) return about(path, header.error());
  return place_flat(*unwrapped, range_of(*header, ram), path, memory);
}

hv::Result<LoadedProgram> load_riscv_firmware(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram) {
  const std::vector<std::byte> file = TRY(read_file(TRY(open_file(path)), path));
  if (file.empty()) return hv::error("{}: empty", path);
  if (!is_elf(file)) return place_flat(file, {ram.base, file.size()}, path, memory);
  const hv::Result<ElfFile> elf = parse_elf(file, kElfRiscv);
  if (!elf) return about(path, elf.error());
  return place_elf(*elf, 0, path, memory);
}

hv::Result<LoadedProgram> load_riscv_program(const std::string& path, hv::GuestMemory& memory) {
  const std::vector<std::byte> file = TRY(read_file(TRY(open_file(path)), path));
  const hv::Result<ElfFile> elf = parse_elf(file, kElfRiscv);
  if (!elf) return about(path, elf.error());
  return place_elf(*elf, 0, path, memory);
}

hv::Result<hv::GuestRange> load_initrd(const std::string& path, hv::GuestMemory& memory, hv::GuestAddress floor,
                                       hv::GuestAddress limit) {
  const OpenFile file = TRY(open_file(path));
  if (file.size == 0) return hv::error("{}: empty", path);
  const uint64_t room = limit > floor ? limit - floor : 0;
  const hv::GuestAddress base{hv::align_down(limit.value - std::min(file.size, room), hv::kGuestPageSize)};
  std::byte* const host = memory.host_pointer(base, file.size);
  if (file.size > room || base < floor || host == nullptr) {
    return hv::error("{}: its {} KiB do not fit into memory beside the kernel; give the machine more memory", path,
                     (file.size + 1023) >> 10);
  }
  TRY(read_fully(file, {host, file.size}, path));
  memory.mark_dirty(base, file.size);
  return hv::GuestRange{base, file.size};
}

}  // namespace vmm
