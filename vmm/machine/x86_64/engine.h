#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/core/interrupt.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/base_engine.h"
#include "vmm/machine/x86_64/boot.h"

namespace vmm::x86_64 {

/// What runs an x86-64 machine: processors, and the interrupt controllers that come with them.
class Engine : public BaseEngine {
 public:
  struct Environment {
    hv::GuestMemory& memory;
    hv::Bus& bus;
    hv::Bus& ports;
    std::vector<uint32_t> interrupts;  ///< those that devices will drive
  };

  /// Processors are in their state after power-on. What `environment` refers to outlives the engine.
  static hv::Result<std::unique_ptr<Engine>> create(const MachineConfig& config, const Environment& environment);

  /// Where the first processor starts. The others wait for the guest.
  virtual hv::Result<void> start_at(const BootState& boot) = 0;
  /// The inputs of the interrupt controllers. Any thread, also while `reset` runs.
  virtual hv::InterruptSink& interrupts() noexcept = 0;
};

}  // namespace vmm::x86_64
