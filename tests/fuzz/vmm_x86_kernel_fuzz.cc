#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "hv/base/check.h"
#include "vmm/boot/x86_kernel.h"

namespace {

/// What every bzImage has (Linux, Documentation/arch/x86/boot.rst), which few inputs would come to have by themselves.
void put_magic_and_version(std::vector<uint8_t>& file) {
  constexpr size_t kMagicAt = 0x202;
  constexpr std::array<uint8_t, 6> kMagicAndVersion = {'H', 'd', 'r', 'S', 15, 2};
  if (file.size() >= kMagicAt + kMagicAndVersion.size()) std::ranges::copy(kMagicAndVersion, file.begin() + kMagicAt);
}

}  // namespace

/// Any bytes are a kernel's file: it is loaded into RAM that the machine has, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int fd = ::memfd_create("kernel", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  static const std::array kRam = {hv::RegionConfig{.base = {0}, .size = 4 << 20}};
  static const auto memory = hv::GuestMemory::create(kRam).value();
  std::vector<uint8_t> file(data, data + size);
  if (size != 0 && (data[size - 1] & 1) != 0) put_magic_and_version(file);
  CHECK(::ftruncate(fd, 0) == 0 && ::pwrite(fd, file.data(), size, 0) == static_cast<ssize_t>(size));
  const auto kernel = vmm::load_x86_kernel(path, *memory);
  if (!kernel) return 0;
  if (kernel->protocol == vmm::X86Protocol::pvh) return 0;
  CHECK(memory->host_pointer(kernel->range.base, kernel->range.size) != nullptr);
  CHECK(kernel->setup_header.size() <= 0x280 - 0x1f1);
  return 0;
}
