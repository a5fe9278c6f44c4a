#include "devices/backend/disk/raw_disk.h"

#include "hv/base/bits.h"
#include "hv/base/log.h"

namespace devices {

hv::Result<std::unique_ptr<RawDisk>> RawDisk::create(BlockFile file, bool read_only, std::string id) {
  const uint64_t bytes = TRY(file.size());
  std::unique_ptr<RawDisk> disk(new RawDisk(std::move(file)));
  const BlockFile::Kind& kind = disk->file_.kind();
  disk->properties_ = {.size = hv::align_up(bytes, uint64_t{kSectorSize}),
                       .read_only = read_only,
                       .logical_block = kind.logical_block,
                       .physical_block = kind.physical_block,
                       .discard_granularity = kind.physical_block,
                       .id = std::move(id)};
  return disk;
}

RawDisk::~RawDisk() {
  drain();
  if (!changed_) return;
  const hv::Result<void> result = file_.io().run(file_.sync());
  if (!result) hv::log::error("{}", result.error().message);
}

Task<hv::Result<void>> RawDisk::read(uint64_t offset, std::span<const iovec> to) { return file_.read(offset, to); }

Task<hv::Result<void>> RawDisk::write(uint64_t offset, std::span<const iovec> from) {
  changed_ = true;
  return file_.write(offset, from);
}

Task<hv::Result<void>> RawDisk::flush() {
  changed_ = false;
  return file_.sync();
}

Task<hv::Result<void>> RawDisk::discard(uint64_t offset, uint64_t length) {
  changed_ = true;
  CO_TRY(co_await file_.punch(offset, length));
  co_return hv::Result<void>{};
}

Task<hv::Result<void>> RawDisk::write_zeroes(uint64_t offset, uint64_t length, bool unmap) {
  changed_ = true;
  return file_.write_zeroes(offset, length, unmap);
}

void RawDisk::drain() noexcept { file_.io().drain(); }

}  // namespace devices
