#pragma once

#include <string>

#include "hv/base/result.h"
#include "vmm/config/machine_config.h"

namespace vmm {

/// The engines that this host can run guests on, by the names that `accel` has for them.
std::string engines();

/// Why KVM cannot run guests of an architecture here: a sentence, or an empty text.
std::string kvm_obstacle(Arch guest);
/// Why code cannot be translated here: a sentence, or an empty text.
std::string jit_obstacle();
/// "yes" or "no", and the circumstances.
std::string describe_kvm();

/// Error: the engine that the machine asks for cannot run it here, and why.
hv::Result<void> check_engine(const MachineConfig& config);
/// What `accel: auto` takes for the machine here.
Accel automatic_engine(const MachineConfig& config);

}  // namespace vmm
