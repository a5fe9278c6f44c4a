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

/// Error: `accel` cannot run such guests here, and why.
hv::Result<void> check_engine(Accel accel, Arch guest);
/// What `accel: auto` takes for such guests here.
Accel automatic_engine(Arch guest);

}  // namespace vmm
