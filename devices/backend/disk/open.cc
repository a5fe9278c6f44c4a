#include "devices/backend/disk/open.h"

#include <array>
#include <filesystem>

#include "devices/backend/disk/block_file.h"
#include "devices/backend/disk/overlay_disk.h"
#include "devices/backend/disk/qcow2_disk.h"
#include "devices/backend/disk/raw_disk.h"

namespace devices {
namespace {

constexpr unsigned kMostBackingFiles = 16;

hv::Result<DiskFormat> probe(const BlockFile& file) {
  std::array<std::byte, 4> start;
  TRY(file.io().run(file.read(0, std::span(start))));
  return qcow2::has_magic(start) ? DiskFormat::qcow2 : DiskFormat::raw;
}

hv::Result<std::unique_ptr<Disk>> open_image(const DiskSpec& spec, const std::shared_ptr<FileIo>& io, unsigned depth);

hv::Result<std::unique_ptr<Disk>> open_backing(const DiskSpec& spec, const qcow2::Header& header,
                                               const std::shared_ptr<FileIo>& io, unsigned depth) {
  if (header.backing_file.empty()) return std::unique_ptr<Disk>();
  if (!spec.allow_backing_file) {
    return hv::error(
        "{}: needs the backing file '{}', and backing files are off; allow them for this disk, or make one "
        "image of both with `qemu-img convert`",
        spec.path, header.backing_file);
  }
  if (depth == kMostBackingFiles) return hv::error("{}: more than {} backing files", spec.path, kMostBackingFiles);
  DiskSpec backing = spec;
  backing.path = (std::filesystem::path(spec.path).parent_path() / header.backing_file).string();
  backing.read_only = true;
  backing.format = DiskFormat::automatic;
  if (header.backing_format == "raw") backing.format = DiskFormat::raw;
  if (header.backing_format == "qcow2") backing.format = DiskFormat::qcow2;
  return open_image(backing, io, depth + 1);
}

hv::Result<std::unique_ptr<Disk>> open_image(const DiskSpec& spec, const std::shared_ptr<FileIo>& io, unsigned depth) {
  BlockFile file = TRY(BlockFile::open(spec.path, spec.read_only, io));
  const DiskFormat format = spec.format == DiskFormat::automatic ? TRY(probe(file)) : spec.format;
  const std::string id =
      (spec.id.empty() ? std::filesystem::path(spec.path).filename().string() : spec.id).substr(0, kDiskIdSize);
  if (format == DiskFormat::raw) return RawDisk::create(std::move(file), spec.read_only, id);
  const qcow2::Header header = TRY(Qcow2Disk::read_header(file));
  std::unique_ptr<Disk> backing = TRY(open_backing(spec, header, io, depth));
  return Qcow2Disk::create(std::move(file), header, spec.read_only, std::move(backing), id);
}

}  // namespace

hv::Result<std::unique_ptr<Disk>> open_disk(const DiskSpec& spec, EventLoop& loop) {
  return open_disk(spec, TRY(create_file_io(spec.io, loop)));
}

hv::Result<std::unique_ptr<Disk>> open_disk(const DiskSpec& spec, std::shared_ptr<FileIo> io) {
  DiskSpec image = spec;
  image.read_only = spec.read_only || spec.snapshot;
  std::unique_ptr<Disk> disk = TRY(open_image(image, io, 0));
  if (!spec.snapshot || spec.read_only) return disk;
  BlockFile changes = TRY(BlockFile::open_temporary(std::move(io)));
  return std::make_unique<OverlayDisk>(std::move(disk), std::move(changes));
}

}  // namespace devices
