#pragma once

#include <memory>

#include "hv/base/result.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/platform.h"

namespace vmm::arm64 {

hv::Result<std::unique_ptr<Platform>> create_platform(const MachineConfig& config,
                                                      const PlatformEnvironment& environment);

}  // namespace vmm::arm64
