#include "devices/backend/disk/file_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>

namespace devices {
namespace {

constexpr off_t kHeld = 100;
constexpr off_t kExcluded = 200;
constexpr off_t kConsistentRead = 0;
constexpr off_t kWrite = 1;
constexpr off_t kResize = 3;

struct flock byte_lock(short type, off_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

/// Whether somebody else has locked this byte.
bool taken(int fd, off_t byte) {
  struct flock lock = byte_lock(F_WRLCK, byte);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

hv::Result<void> lock_image(int fd, bool read_only, const std::string& path) {
  constexpr std::array kReader = {kExcluded + kWrite, kExcluded + kResize, kHeld + kConsistentRead};
  constexpr std::array kWriter = {kExcluded + kWrite, kExcluded + kResize, kHeld + kConsistentRead, kHeld + kWrite,
                                  kHeld + kResize};
  const std::span<const off_t> own = read_only ? std::span<const off_t>(kReader) : std::span<const off_t>(kWriter);

  // First all are taken, then the opposites are looked at: of two programs that come at once at least one notices.
  for (const off_t byte : own) {
    struct flock lock = byte_lock(F_RDLCK, byte);
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) continue;
    if (errno != EAGAIN && errno != EACCES) return {};
    return hv::error("{}: another program has this image open", path);
  }
  for (const off_t byte : own) {
    const off_t opposite = byte >= kExcluded ? byte - kExcluded + kHeld : byte - kHeld + kExcluded;
    if (!taken(fd, opposite)) continue;
    if (opposite < kExcluded) {
      return hv::error("{}: another program has this image open for writing; two would damage it", path);
    }
    return hv::error(
        "{}: another program has this image open and does not share it; open it read-only, or with a snapshot", path);
  }
  return {};
}

}  // namespace devices
