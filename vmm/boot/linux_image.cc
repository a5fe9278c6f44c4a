#include "vmm/boot/linux_image.h"

#include <cstring>
#include <string>
#include <string_view>

#include "hv/base/bits.h"
#include "hv/base/endian.h"
#include "vmm/boot/decompress.h"

namespace vmm {
namespace {

using Bytes = std::span<const std::byte>;

namespace image_header {
constexpr size_t kTextOffset = 8;
constexpr size_t kImageSize = 16;
constexpr size_t kFlags = 24;
constexpr size_t kMagic = 56;
constexpr uint32_t kRiscv = 0x0543'5352;  // "RSC\x05"
constexpr uint32_t kArm64 = 0x644d'5241;  // "ARM\x64"
}  // namespace image_header

/// Linux, drivers/firmware/efi/libstub/zboot-header.S
namespace zboot_header {
constexpr size_t kPayloadOffset = 8;
constexpr size_t kPayloadSize = 12;
constexpr size_t kCompression = 24;
constexpr size_t kCompressionSize = 32;
constexpr size_t kSize = 64;
}  // namespace zboot_header

bool is_zboot(Bytes file) {
  return file.size() >= zboot_header::kSize && std::memcmp(file.data(), "MZ", 2) == 0 &&
         std::memcmp(file.data() + 4, "zimg", 4) == 0;
}

hv::Result<std::vector<std::byte>> unwrap_zboot(Bytes file, size_t limit) {
  const uint64_t offset = hv::load_le<uint32_t>(file.data() + zboot_header::kPayloadOffset);
  const uint64_t size = hv::load_le<uint32_t>(file.data() + zboot_header::kPayloadSize);
  if (offset > file.size() || size > file.size() - offset)
    return hv::error("bad EFI zboot kernel: its payload runs past its end");
  const auto* const name = reinterpret_cast<const char*>(file.data() + zboot_header::kCompression);
  const std::string compression(name, ::strnlen(name, zboot_header::kCompressionSize));
  const Bytes payload = file.subspan(offset, size);
  if (compression == "gzip") return gunzip(payload, limit);
  if (compression.starts_with("zstd")) return unzstd(payload, limit);
  return hv::error("an EFI zboot kernel compressed with something else than gzip and zstd");
}

}  // namespace

hv::Result<LinuxImageHeader> parse_linux_image(LinuxImage kind, Bytes start, uint64_t size) {
  using namespace image_header;
  const uint32_t magic = kind == LinuxImage::riscv64 ? kRiscv : kArm64;
  if (start.size() < kLinuxImageHeaderSize || hv::load_le<uint32_t>(start.data() + kMagic) != magic) {
    if (kind == LinuxImage::arm64) return hv::error("not an arm64 Linux kernel (Image, also compressed)");
    return hv::error("not a RISC-V Linux kernel (neither Image, also compressed, nor ELF)");
  }
  if (hv::bit(hv::load_le<uint64_t>(start.data() + kFlags), 0)) return hv::error("a big-endian kernel");
  LinuxImageHeader header;
  header.text_offset = hv::load_le<uint64_t>(start.data() + kTextOffset);
  header.image_size = hv::load_le<uint64_t>(start.data() + kImageSize);
  constexpr uint64_t kReasonable = uint64_t{1} << 32;
  if (header.image_size < size && header.image_size != 0)
    header.image_size = size;  // trailing bytes, as of a signature
  if (header.image_size > kReasonable || header.text_offset > kReasonable)
    return hv::error("bad kernel header: it asks for more than 4 GiB");
  if (header.image_size == 0) header.image_size = size;
  return header;
}

hv::Result<std::vector<std::byte>> unwrap_kernel(std::vector<std::byte> file, size_t limit) {
  constexpr int kMaxLayers = 3;
  for (int layer = 0; layer < kMaxLayers; ++layer) {
    if (is_gzip(file)) {
      file = TRY(gunzip(file, limit));
    } else if (is_zstd(file)) {
      file = TRY(unzstd(file, limit));
    } else if (is_zboot(file)) {
      file = TRY(unwrap_zboot(file, limit));
    } else {
      return file;
    }
  }
  return hv::error("wrapped in too many layers of compression");
}

}  // namespace vmm
