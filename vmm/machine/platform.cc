#include "vmm/machine/platform.h"

#include "vmm/machine/arm64/platform.h"
#include "vmm/machine/engines.h"
#include "vmm/machine/riscv64/platform.h"
#if defined(__x86_64__)
#include "vmm/machine/x86_64/platform.h"
#endif

namespace vmm {
namespace {

using Factory = hv::Result<std::unique_ptr<Platform>> (*)(const MachineConfig&, const PlatformEnvironment&);

struct Row {
  Arch arch;
  Factory create;
};

constexpr Row kPlatforms[] = {
    {Arch::riscv64, riscv64::create_platform},
    {Arch::arm64, arm64::create_platform},
#if defined(__x86_64__)
    {Arch::x86_64, x86_64::create_platform},
#endif
};

}  // namespace

hv::Result<std::unique_ptr<Platform>> Platform::create(const MachineConfig& config,
                                                       const PlatformEnvironment& environment) {
  TRY(check_engine(config));
  for (const Row& row : kPlatforms) {
    if (row.arch == config.arch) return row.create(config, environment);
  }
  return hv::error("this version of vireo has no {} machines on this host", arch_name(config.arch));
}

}  // namespace vmm
