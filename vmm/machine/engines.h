#pragma once

#include <string>

namespace vmm {

/// The engines that this host can run guests of other architectures on, by the names that `accel` has for them.
std::string engines();

}  // namespace vmm
