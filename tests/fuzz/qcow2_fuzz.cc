// A qcow2 image that is anything: opening it, reading it and writing to it touch nothing but the image.

#include <algorithm>
#include <array>
#include <cstdint>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/log.h"
#include "tests/support/test_io.h"

namespace {

constexpr size_t kPiece = 96 * 1024;

void use(const uint8_t* data, size_t size, bool read_only) {
  hv::UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
  if (::write(fd.get(), data, size) != static_cast<ssize_t>(size)) return;
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
  use(data, size, true);
  use(data, size, false);
  return 0;
}
