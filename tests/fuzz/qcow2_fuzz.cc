// A qcow2 image that is anything: opening it, reading it and writing to it touch nothing but the image.
//
// The input is either an image or, if its first byte is odd, changes to a small good one: a length, an offset of two
// bytes, and the bytes to put there, again and again.

#include <algorithm>
#include <array>
#include <cstdint>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/endian.h"
#include "hv/base/log.h"
#include "tests/support/test_io.h"

namespace {

using Bytes = std::vector<std::byte>;

constexpr size_t kPiece = 96 * 1024;

/// Version 3 with clusters of 512 bytes: header, refcount table, refcount block, L1 table, L2 table, data.
Bytes good_image() {
  namespace qcow2 = devices::qcow2;
  constexpr uint64_t kCluster = 512;
  Bytes image(6 * kCluster);
  hv::store_be(&image[0], qcow2::kMagic);
  hv::store_be(&image[4], uint32_t{3});
  hv::store_be(&image[20], uint32_t{9});
  hv::store_be(&image[24], uint64_t{128 << 10});
  hv::store_be(&image[36], uint32_t{4});
  hv::store_be(&image[40], 3 * kCluster);
  hv::store_be(&image[48], 1 * kCluster);
  hv::store_be(&image[56], uint32_t{1});
  hv::store_be(&image[96], uint32_t{4});
  hv::store_be(&image[100], static_cast<uint32_t>(qcow2::kHeaderSizeV3));
  hv::store_be(&image[1 * kCluster], 2 * kCluster);
  for (uint64_t cluster = 0; cluster < 6; ++cluster) hv::store_be(&image[2 * kCluster + 2 * cluster], uint16_t{1});
  hv::store_be(&image[3 * kCluster], qcow2::kCopied | 4 * kCluster);
  hv::store_be(&image[4 * kCluster], qcow2::kCopied | 5 * kCluster);
  return image;
}

Bytes image_of(std::span<const uint8_t> input) {
  const auto bytes = std::as_bytes(input);
  if (devices::qcow2::has_magic(bytes)) return {bytes.begin(), bytes.end()};
  Bytes image = good_image();
  while (input.size() > 3) {
    const size_t length = std::min<size_t>(input[0], input.size() - 3);
    const size_t offset = (input[1] | size_t{input[2]} << 8) % image.size();
    for (size_t i = 0; i < length && offset + i < image.size(); ++i) image[offset + i] = std::byte{input[3 + i]};
    input = input.subspan(3 + length);
  }
  return image;
}

void use(const Bytes& image, bool read_only) {
  hv::UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
  if (::write(fd.get(), image.data(), image.size()) != static_cast<ssize_t>(image.size())) return;
  const auto io = std::make_shared<test::TestIo>();
  devices::BlockFile file(std::move(fd), "image", io);
  const auto header = devices::Qcow2Disk::read_header(file);
  if (!header || header->size == 0) return;
  auto opened = devices::Qcow2Disk::create(std::move(file), *header, read_only, nullptr, "fuzz");
  if (!opened) return;
  devices::Disk& disk = **opened;

  std::vector<std::byte> buffer(kPiece);
  const uint64_t longest = std::min<uint64_t>(kPiece, disk.size());
  const std::array<uint64_t, 4> offsets = {0, disk.size() / 3 / 512 * 512, disk.size() / 2 / 512 * 512,
                                           disk.size() - longest};
  for (const uint64_t offset : offsets) {
    const uint64_t length = std::min(longest, disk.size() - offset);
    const iovec piece{buffer.data(), length};
    (void)io->run(disk.read(offset, std::span(&piece, 1)));
    if (read_only) continue;
    const iovec part{buffer.data(), std::min<uint64_t>(length, 5120)};
    (void)io->run(disk.write(offset, std::span(&part, 1)));
    (void)io->run(disk.discard(offset, length));
    (void)io->run(disk.write_zeroes(offset, length, false));
    (void)io->run(disk.write(offset, std::span(&part, 1)));
    (void)io->run(disk.flush());
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes image = image_of(std::span(data, size));
  use(image, true);
  use(image, false);
  return 0;
}
