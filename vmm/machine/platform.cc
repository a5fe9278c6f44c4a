#include "vmm/machine/platform.h"

#include "vmm/machine/riscv64/platform.h"

namespace vmm {

hv::Result<std::unique_ptr<Platform>> Platform::create(const MachineConfig& config,
                                                       const PlatformEnvironment& environment) {
  switch (config.arch) {
    case Arch::riscv64:
      return riscv64::create_platform(config, environment);
    case Arch::arm64:
    case Arch::x86_64:
      break;
  }
  return hv::error("this version of vireo has riscv64 machines only");
}

}  // namespace vmm
