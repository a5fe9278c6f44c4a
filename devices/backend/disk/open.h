#pragma once

#include <memory>
#include <string>

#include "devices/backend/disk/disk.h"
#include "devices/backend/disk/file_io.h"

namespace devices {

enum class DiskFormat {
  automatic,  ///< qcow2 where the file begins like one, raw otherwise
  raw,
  qcow2,
};

/// What a machine file says about a disk.
struct DiskSpec {
  std::string path;
  DiskFormat format = DiskFormat::automatic;
  bool read_only = false;
  bool snapshot = false;            ///< changes go to a temporary file and are gone at the end; the image is only read
  bool allow_backing_file = false;  ///< an image names its backing file itself: any file of the host's
  std::string id = {};              ///< serial number, up to 20 bytes; the file's name if empty
  IoEngine io = IoEngine::automatic;
};

/// Opens and locks a disk whose tasks run on `loop`, which outlives it. Blocks the calling thread; called while the
/// loop stands still, or on it.
///
/// Errors name the file and the reason: it cannot be opened, is in use, is damaged, or needs what is not supported.
hv::Result<std::unique_ptr<Disk>> open_disk(const DiskSpec& spec, EventLoop& loop);

/// The same with an I/O engine that exists already.
hv::Result<std::unique_ptr<Disk>> open_disk(const DiskSpec& spec, std::shared_ptr<FileIo> io);

}  // namespace devices
