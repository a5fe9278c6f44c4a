#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/guest_memory.h"

namespace vmm {

/// The largest kernel or firmware that is read, also when it is decompressed, in bytes.
inline constexpr size_t kMaxKernelSize = size_t{1} << 30;

/// A regular file that a machine boots from. Errors name it.
class BootFile {
 public:
  static hv::Result<BootFile> open(const std::string& path);

  uint64_t size() const noexcept { return size_; }
  const std::string& path() const noexcept { return path_; }
  /// The `out.size()` bytes from `offset` on, all of which it must have.
  hv::Result<void> read(std::span<std::byte> out, uint64_t offset = 0) const;
  hv::Result<std::vector<std::byte>> read_all() const;
  /// The same into guest memory, all of which is RAM of one region.
  hv::Result<void> read_into(hv::GuestMemory& memory, hv::GuestRange range, uint64_t offset = 0) const;

 private:
  hv::UniqueFd fd_;
  uint64_t size_ = 0;
  std::string path_;
};

}  // namespace vmm
