#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hv/base/result.h"

namespace vmm {

bool is_gzip(std::span<const std::byte> data);
bool is_zstd(std::span<const std::byte> data);

/// The first member of a gzip file (RFC 1952) or the first frame of a zstd file (RFC 8878); what follows it is ignored.
/// Error: malformed, cut off, or more than `limit` bytes long.
hv::Result<std::vector<std::byte>> gunzip(std::span<const std::byte> data, size_t limit);
hv::Result<std::vector<std::byte>> unzstd(std::span<const std::byte> data, size_t limit);

}  // namespace vmm
