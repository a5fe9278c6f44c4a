#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/core/interrupt.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/arm64/boot.h"
#include "vmm/machine/base_engine.h"

namespace vmm::arm64 {

/// What runs an arm64 machine: processors, their timers and PSCI, and the GICv3.
class Engine : public BaseEngine {
 public:
  struct Environment {
    hv::GuestMemory& memory;
    hv::Bus& bus;
    std::vector<uint32_t> edges;  ///< the interrupts that are edge-triggered; others are level-triggered
  };

  /// The one that `config.accel` names. Processors are in their state after power-on. What `environment` refers to
  /// outlives the engine. Error: this host has none.
  static hv::Result<std::unique_ptr<Engine>> create(const MachineConfig& config, const Environment& environment);

  /// Where the first processor starts. The others wait for the guest.
  virtual hv::Result<void> start_at(const BootState& boot) = 0;
  /// The GIC's shared peripheral interrupts. Any thread, also while `reset` runs.
  virtual hv::InterruptSink& interrupts() noexcept = 0;
};

}  // namespace vmm::arm64
