#include "hv/core/host_mapping.h"

#include <memory>
#include <numa.h>
#include <numaif.h>
#include <unistd.h>

#include <linux/memfd.h>
#include <sys/mman.h>

#include "hv/base/bits.h"

namespace hv {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct HugePageKind {
  uint64_t size;  // also the alignment of the mapping
  unsigned memfd_flags;
  const char* name;
};

HugePageKind kind_of(HugePages huge_pages) {
  switch (huge_pages) {
    case HugePages::size_2mib:
      return {2 * kMiB, MFD_HUGETLB | MFD_HUGE_2MB, "2 MiB"};
    case HugePages::size_1gib:
      return {1024 * kMiB, MFD_HUGETLB | MFD_HUGE_1GB, "1 GiB"};
    case HugePages::automatic:
      return {2 * kMiB, 0, "transparent"};
    case HugePages::off:
      break;
  }
  return {kGuestPageSize, 0, "no"};
}

// A mapping whose address is a multiple of `alignment`, so that huge pages fit: a larger one is reserved and its ends
// given back.
std::byte* map_aligned(int fd, uint64_t size, uint64_t alignment) {
  const uint64_t reserved = size + alignment;
  void* const start = ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const auto first = reinterpret_cast<uintptr_t>(start);
  const uintptr_t aligned = align_up(first, static_cast<uintptr_t>(alignment));
  void* const host =
      ::mmap(reinterpret_cast<void*>(aligned), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (host == MAP_FAILED) {
    const int code = errno;
    ::munmap(start, reserved);
    errno = code;
    return nullptr;
  }
  if (aligned > first) ::munmap(start, aligned - first);
  if (const uintptr_t end = aligned + size; end < first + reserved) {
    ::munmap(reinterpret_cast<void*>(end), first + reserved - end);
  }
  return static_cast<std::byte*>(host);
}

int numa_mode(NumaPolicy::Mode mode) {
  switch (mode) {
    case NumaPolicy::Mode::bind:
      return MPOL_BIND;
    case NumaPolicy::Mode::interleave:
      return MPOL_INTERLEAVE;
    case NumaPolicy::Mode::preferred:
      return MPOL_PREFERRED;
    case NumaPolicy::Mode::none:
      break;
  }
  return MPOL_DEFAULT;
}

Result<void> apply(const NumaPolicy& policy, std::byte* host, uint64_t size) {
  if (policy.mode == NumaPolicy::Mode::none) return {};
  if (policy.nodes.empty()) return error("a NUMA policy needs at least one node");
  if (policy.mode == NumaPolicy::Mode::preferred && policy.nodes.size() != 1) {
    return error("the NUMA policy 'preferred' takes one node, not {}", policy.nodes.size());
  }
  if (::numa_available() < 0) return error("this host has no NUMA support; leave the NUMA policy out");
  const std::unique_ptr<bitmask, decltype(&::numa_free_nodemask)> mask(::numa_allocate_nodemask(),
                                                                       ::numa_free_nodemask);
  for (const unsigned node : policy.nodes) {
    if (node >= mask->size || ::numa_bitmask_isbitset(::numa_all_nodes_ptr, node) == 0) {
      return error("NUMA node {} is not one that this process may use; the host's last node is {}", node,
                   ::numa_max_node());
    }
    ::numa_bitmask_setbit(mask.get(), node);
  }
  if (::mbind(host, size, numa_mode(policy.mode), mask->maskp, mask->size + 1, MPOL_MF_MOVE) != 0) {
    return os_error("cannot set the NUMA policy of guest memory");
  }
  return {};
}

}  // namespace

Result<HostMapping> HostMapping::create(const RegionConfig& config) {
  const HugePageKind kind = kind_of(config.huge_pages);
  const bool reserved = kind.memfd_flags != 0;
  if (reserved && !is_aligned(config.size, kind.size)) {
    return error("{} bytes of guest memory are not a multiple of its {} huge pages", config.size, kind.name);
  }
  HostMapping mapping;
  mapping.page_size = reserved ? kind.size : static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  mapping.fd.reset(::memfd_create("vireo-guest-memory", MFD_CLOEXEC | kind.memfd_flags));
  if (!mapping.fd) return os_error("cannot make guest memory with {} huge pages", kind.name);
  if (::ftruncate(mapping.fd.get(), static_cast<off_t>(config.size)) != 0) {
    return os_error("cannot get {} MiB of guest memory", config.size / kMiB);
  }
  mapping.host = map_aligned(mapping.fd.get(), config.size, kind.size);
  if (mapping.host == nullptr) {
    if (!reserved) return os_error("cannot map {} MiB of guest memory", config.size / kMiB);
    return os_error(
        "this host has no {} of the {} huge pages that guest memory asks for free; reserve them or set huge_pages: "
        "auto",
        config.size / kind.size, kind.name);
  }
  // The host may decline both; the guest runs all the same.
  ::madvise(mapping.host, config.size, MADV_DONTDUMP);
  if (config.huge_pages == HugePages::automatic) ::madvise(mapping.host, config.size, MADV_HUGEPAGE);
  if (auto applied = apply(config.numa, mapping.host, config.size); !applied) {
    unmap(mapping.host, config.size);
    return tl::unexpected(std::move(applied).error());
  }
  return mapping;
}

void HostMapping::unmap(std::byte* host, uint64_t size) noexcept { ::munmap(host, size); }

}  // namespace hv
