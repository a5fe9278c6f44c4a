#pragma once

#include <string>

#include "hv/base/result.h"

namespace devices {

/// Locks an image on its open file description: many readers, or one writer. The lock goes with the last descriptor.
///
/// The bytes are those that QEMU locks (block/file-posix.c: permissions held from byte 100 on, permissions that others
/// must not have from byte 200 on), so that neither program opens an image that the other writes to.
///
/// Error: another program has the image open in a way that excludes this one. A file system without locks is not an
/// error.
hv::Result<void> lock_image(int fd, bool read_only, const std::string& path);

}  // namespace devices
