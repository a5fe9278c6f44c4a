#include "vmm/boot/linux_image.h"

#include <zlib.h>
#include <zstd.h>

#include <gtest/gtest.h>

#include "tests/unit/vmm/boot/test_files.h"
#include "vmm/boot/decompress.h"

namespace vmm {
namespace {

using testing::ByteVector;
using testing::put;
using testing::riscv_image;

constexpr size_t kLimit = 8u << 20;

ByteVector gzip(const ByteVector& data) {
  ByteVector out(data.size() + 1024);
  z_stream stream{};
  ::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

ByteVector zstd(const ByteVector& data) {
  ByteVector out(::ZSTD_compressBound(data.size()));
  out.resize(::ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
  return out;
}

ByteVector zboot(const ByteVector& payload, const std::string& compression) {
  constexpr size_t kHeader = 0x200;
  constexpr size_t kSignature = 64;
  ByteVector file(kHeader + payload.size() + kSignature);
  std::memcpy(file.data(), "MZ\0\0zimg", 8);
  put(file, 8, static_cast<uint32_t>(kHeader));
  put(file, 12, static_cast<uint32_t>(payload.size()));
  std::memcpy(file.data() + 24, compression.data(), compression.size());
  std::memcpy(file.data() + kHeader, payload.data(), payload.size());
  return file;
}

std::string unwrap_error(ByteVector file, size_t limit = kLimit) {
  const auto result = unwrap_kernel(std::move(file), limit);
  return result ? "(no error)" : result.error().message;
}

TEST(LinuxImage, ReadsTheHeader) {
  const LinuxImageHeader header = parse_linux_image(LinuxImage::riscv64, riscv_image(4096, 0x20'0000, 0x10000)).value();
  EXPECT_EQ(header.text_offset, 0x20'0000u);
  EXPECT_EQ(header.image_size, 0x10000u);
}

TEST(LinuxImage, KnowsTheKernelOfEachArchitecture) {
  ByteVector image = riscv_image(4096, 0x8'0000, 0x10000);
  EXPECT_EQ(parse_linux_image(LinuxImage::arm64, image).error().message,
            "not an arm64 Linux kernel (Image, also compressed)");
  std::memcpy(image.data() + 56, "ARM\x64", 4);
  EXPECT_EQ(parse_linux_image(LinuxImage::arm64, image).value().text_offset, 0x8'0000u);
  EXPECT_FALSE(parse_linux_image(LinuxImage::riscv64, image));
}

TEST(LinuxImage, RefusesBadHeaders) {
  EXPECT_EQ(parse_linux_image(LinuxImage::riscv64, ByteVector(63)).error().message,
            "not a RISC-V Linux kernel (neither Image, also compressed, nor ELF)");
  ByteVector big_endian = riscv_image(4096, 0, 4096);
  put(big_endian, 24, uint64_t{1});
  EXPECT_EQ(parse_linux_image(LinuxImage::riscv64, big_endian).error().message, "a big-endian kernel");
  EXPECT_EQ(parse_linux_image(LinuxImage::riscv64, riscv_image(4096, ~uint64_t{0}, 4096)).error().message,
            "bad kernel header: it asks for more than 4 GiB");
}

TEST(LinuxImage, CountsTrailingBytesAsPartOfTheImage) {
  EXPECT_EQ(parse_linux_image(LinuxImage::riscv64, riscv_image(4096, 0, 64)).value().image_size, 4096u);
}

TEST(LinuxImage, UnwrapsEveryForm) {
  const ByteVector image = riscv_image(300'000, 0x20'0000, 300'000);
  EXPECT_EQ(unwrap_kernel(image, kLimit).value(), image);
  EXPECT_EQ(unwrap_kernel(gzip(image), kLimit).value(), image);
  EXPECT_EQ(unwrap_kernel(zstd(image), kLimit).value(), image);
  EXPECT_EQ(unwrap_kernel(zboot(gzip(image), "gzip"), kLimit).value(), image);
  EXPECT_EQ(unwrap_kernel(zboot(zstd(image), "zstd22"), kLimit).value(), image);
}

TEST(LinuxImage, RefusesMalformedWrappings) {
  const ByteVector image = riscv_image(300'000, 0x20'0000, 300'000);
  ByteVector cut = gzip(image);
  cut.resize(cut.size() / 2);
  EXPECT_EQ(unwrap_error(cut), "bad gzip data: it is cut off");
  ByteVector zstd_cut = zstd(image);
  zstd_cut.resize(zstd_cut.size() - 3);
  EXPECT_EQ(unwrap_error(zstd_cut), "bad zstd data: it is cut off");
  EXPECT_EQ(unwrap_error(zboot(image, "lzo")), "an EFI zboot kernel compressed with something else than gzip and zstd");
  ByteVector far = zboot(gzip(image), "gzip");
  put(far, 8, ~uint32_t{0});
  EXPECT_EQ(unwrap_error(far), "bad EFI zboot kernel: its payload runs past its end");
}

TEST(LinuxImage, BoundsWhatItUnwraps) {
  const ByteVector zeros(9u << 20);
  EXPECT_EQ(unwrap_error(gzip(zeros), 8u << 20), "it is more than 8 MiB long when decompressed");
  EXPECT_EQ(unwrap_error(zstd(zeros), 8u << 20), "it is more than 8 MiB long when decompressed");
  const ByteVector image = riscv_image(300'000, 0, 300'000);
  EXPECT_EQ(unwrap_error(gzip(gzip(gzip(gzip(image))))), "wrapped in too many layers of compression");
}

}  // namespace
}  // namespace vmm
