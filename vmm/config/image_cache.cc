#include "vmm/config/image_cache.h"

#include <cstdlib>
#include <filesystem>

namespace vmm {
namespace {

/// An environment variable's value if it is an absolute path (XDG Base Directory Specification 0.8: others are
/// ignored).
std::string absolute_from_environment(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : "";
}

}  // namespace

std::string image_cache_folder() {
  std::string cache = absolute_from_environment("XDG_CACHE_HOME");
  if (cache.empty()) {
    const std::string home = absolute_from_environment("HOME");
    cache = (home.empty() ? std::string("/tmp") : home) + "/.cache";
  }
  return cache + "/vireo/images";
}

hv::Result<std::string> cached_image_path(std::string_view name) {
  const std::filesystem::path relative(name);
  bool inside = !name.empty() && relative.is_relative();
  for (const std::filesystem::path& part : relative) inside = inside && part != "..";
  if (!inside) return hv::error("\"cache:{}\" must name a file in the image cache, like cache:riscv64/vmlinuz", name);
  return image_cache_folder() + "/" + relative.string();
}

}  // namespace vmm
