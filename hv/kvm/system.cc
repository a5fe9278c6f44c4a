#include "hv/kvm/system.h"

#include <fcntl.h>

#include <linux/kvm.h>

#include "hv/kvm/ioctl.h"

namespace hv::kvm {
namespace {

struct Needed {
  unsigned long capability;
  const char* name;
};

/// What every machine here stands on; the oldest kernel that has all of it for x86-64 is Linux 4.12.
constexpr Needed kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "guest memory from user space"},
    {KVM_CAP_IOEVENTFD, "ioeventfd"},
    {KVM_CAP_IMMEDIATE_EXIT, "immediate_exit"},
    {KVM_CAP_MP_STATE, "the state of several processors"},
#if defined(__riscv)
    {KVM_CAP_ONE_REG, "access to a processor's registers"},
#else
    {KVM_CAP_IRQCHIP, "interrupt controllers in the kernel"},
    {KVM_CAP_IRQFD, "irqfd"},
#endif
};

tl::unexpected<Error> cannot_open(const std::string& path) {
  switch (errno) {
    case ENOENT:
      return error(
          "KVM cannot be used: there is no {}; the host's processor or kernel has no virtualization, or the container "
          "is "
          "not given the device",
          path);
    case EACCES:
    case EPERM:
      return error("KVM cannot be used: no permission to open {}; add yourself to the group that owns it (mostly kvm)",
                   path);
    case ENODEV:
    case ENXIO:
      return error("KVM cannot be used: {} has no driver behind it; the processor's virtualization may be off", path);
    default:
      return os_error("KVM cannot be used: {} cannot be opened", path);
  }
}

}  // namespace

Result<std::shared_ptr<const System>> System::open(const std::string& path) {
  std::shared_ptr<System> system(new System);
  system->fd_.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!system->fd_) return cannot_open(path);
  const int version = ioctl(system->fd(), KVM_GET_API_VERSION, 0);
  if (version < 0) return error("KVM cannot be used: {} is not KVM's device", path);
  if (version != KVM_API_VERSION)
    return error("KVM cannot be used: it has version {}, and vireo knows {}", version, KVM_API_VERSION);
  for (const Needed& needed : kNeeded) {
    if (system->extension(needed.capability) <= 0)
      return error("KVM cannot be used: the host's kernel lacks {}", needed.name);
  }
  const int size = ioctl(system->fd(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (size < static_cast<int>(sizeof(kvm_run))) return os_error("KVM cannot be used: it gives no vCPU memory");
  system->run_size_ = static_cast<size_t>(size);
  return std::shared_ptr<const System>(std::move(system));
}

int System::extension(unsigned long capability) const noexcept {
  const int result = ioctl(fd(), KVM_CHECK_EXTENSION, capability);
  return result < 0 ? 0 : result;
}

std::string obstacle() {
  const auto system = System::open();
  return system ? std::string() : system.error().message;
}

}  // namespace hv::kvm
