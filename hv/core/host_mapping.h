#pragma once

#include <cstddef>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/guest_memory.h"

namespace hv {

/// One region's memory on the host: a memfd and a shared mapping of it, with the huge pages and the NUMA policy that
/// the region asks for. The mapping stays until `unmap`.
struct HostMapping {
  UniqueFd fd;
  std::byte* host = nullptr;
  uint64_t page_size = 0;  ///< the smallest unit that can be given back to the host

  static Result<HostMapping> create(const RegionConfig& config);
  static void unmap(std::byte* host, uint64_t size) noexcept;
};

}  // namespace hv
