#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hv/base/result.h"

namespace vmm {

/// The header of a flat Linux kernel for RISC-V or arm64, which have the same one but for the magic number (Linux,
/// Documentation/arch/riscv/boot-image-header.rst, Documentation/arch/arm64/booting.rst).
struct LinuxImageHeader {
  uint64_t text_offset = 0;  ///< from the start of RAM to where the image goes, bytes
  uint64_t image_size = 0;   ///< memory that the kernel takes, bss included, bytes
};

inline constexpr size_t kLinuxImageHeaderSize = 64;

enum class LinuxImage { riscv64, arm64 };

/// `start` is the image's header and what of the rest there is, `size` what all of it has in bytes.
/// Error: no such header, a big-endian kernel, or a size that cannot be.
hv::Result<LinuxImageHeader> parse_linux_image(LinuxImage kind, std::span<const std::byte> start, uint64_t size);

inline hv::Result<LinuxImageHeader> parse_linux_image(LinuxImage kind, std::span<const std::byte> image) {
  return parse_linux_image(kind, image, image.size());
}

/// Takes a kernel out of what it is wrapped in: gzip, zstd, EFI zboot. A kernel that is not wrapped is returned as it
/// is. Error: malformed or unknown compression, or more than `limit` bytes.
hv::Result<std::vector<std::byte>> unwrap_kernel(std::vector<std::byte> file, size_t limit);

}  // namespace vmm
