#pragma once

#include <cstdint>

#include "hv/core/state_io.h"

namespace hv::kvm::arm {

/// The state of the GICv3 behind a device's file descriptor: distributor, redistributors, processor interfaces, levels
/// of lines. The machine has `cpus` processors, numbered by affinity level 0, and `interrupts` interrupts.
void save_gic(StateWriter& writer, int device_fd, unsigned cpus, uint32_t interrupts);
void load_gic(StateReader& reader, int device_fd, unsigned cpus, uint32_t interrupts);

}  // namespace hv::kvm::arm
