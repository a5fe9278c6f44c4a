#include "vmm/boot/boot_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

namespace vmm {

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
  TRY(read({host, range.size}, offset));
  memory.mark_dirty(range.base, range.size);
  return {};
}

}  // namespace vmm
