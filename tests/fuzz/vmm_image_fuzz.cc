#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hv/base/check.h"
#include "vmm/boot/linux_image.h"

/// Any bytes are a kernel: it is unwrapped within the limit and its header read, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLimit = 16u << 20;
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const auto kernel = vmm::unwrap_kernel({file.begin(), file.end()}, kLimit);
  if (!kernel) return 0;
  CHECK(kernel->size() <= std::max(kLimit, size));
  for (const vmm::LinuxImage kind : {vmm::LinuxImage::riscv64, vmm::LinuxImage::arm64}) {
    const auto header = vmm::parse_linux_image(kind, *kernel);
    CHECK(!header || header->image_size >= kernel->size());
  }
  return 0;
}
