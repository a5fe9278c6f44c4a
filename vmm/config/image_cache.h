#pragma once

#include <string>
#include <string_view>

#include "hv/base/result.h"

namespace vmm {

/// ${XDG_CACHE_HOME:-~/.cache}/vireo/images, where `vireo image build` leaves kernels and root file systems.
std::string image_cache_folder();

inline constexpr std::string_view kCachePrefix = "cache:";

/// The file that "cache:NAME" stands for; it need not exist. Error: the name leaves the folder.
hv::Result<std::string> cached_image_path(std::string_view name);

}  // namespace vmm
