#include "vmm/boot/boot_file.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <sys/sendfile.h>
#include <sys/stat.h>

namespace vmm {
namespace {

/// Copies to the file behind the guest's memory within the kernel, which takes a third of the time: no page of the
/// mapping is touched, so none is made, cleared and mapped first. How many bytes came before the host refused (huge
/// pages).
uint64_t send(int from, uint64_t offset, const hv::GuestMemory::Region& to, hv::GuestRange range) noexcept {
  if (::lseek(to.fd, static_cast<off_t>(range.base - to.range.base), SEEK_SET) < 0) return 0;
  auto position = static_cast<off_t>(offset);
  for (uint64_t done = 0; done < range.size;) {
    const ssize_t count = ::sendfile(to.fd, from, &position, range.size - done);
    if (count <= 0) return done;
    done += static_cast<uint64_t>(count);
  }
  return range.size;
}

}  // namespace

hv::Result<BootFile> BootFile::open(const std::string& path) {
  BootFile file;
  file.path_ = path;
  file.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.fd_) return hv::os_error("{}: cannot be opened", path);
  struct stat status {};
  if (::fstat(file.fd_.get(), &status) != 0) return hv::os_error("{}: cannot be read", path);
  if (!S_ISREG(status.st_mode)) return hv::error("{}: not a regular file", path);
  file.size_ = static_cast<uint64_t>(status.st_size);
  return file;
}

hv::Result<void> BootFile::read(std::span<std::byte> out, uint64_t offset) const {
  for (uint64_t done = 0; done < out.size();) {
    const ssize_t count = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return hv::os_error("{}: cannot be read", path_);
    if (count == 0) return hv::error("{}: it became shorter while it was read", path_);
    done += static_cast<uint64_t>(count);
  }
  return {};
}

hv::Result<std::vector<std::byte>> BootFile::read_all() const {
  if (size_ > kMaxKernelSize) return hv::error("{}: larger than {} MiB", path_, kMaxKernelSize >> 20);
  std::vector<std::byte> data(size_);
  TRY(read(data));
  return data;
}

hv::Result<void> BootFile::read_into(hv::GuestMemory& memory, hv::GuestRange range, uint64_t offset) const {
  std::byte* const host = memory.host_pointer(range.base, range.size);
  if (host == nullptr) return hv::error("{}: {} bytes at {:#x} are not all RAM", path_, range.size, range.base.value);
  const auto region = std::ranges::find_if(
      memory.regions(), [&](const hv::GuestMemory::Region& each) { return each.range.contains(range.base); });
  const uint64_t sent = send(fd_.get(), offset, *region, range);
  TRY(read({host + sent, range.size - sent}, offset + sent));
  memory.mark_dirty(range.base, range.size);
  return {};
}

}  // namespace vmm
