#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/core/interrupt.h"
#include "hv/core/vcpu.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/arm64/boot.h"

namespace vmm::arm64 {

/// What runs an arm64 machine: processors, their timers and PSCI, and the GICv3. The platform knows no more of it than
/// this.
class Engine {
 public:
  struct Environment {
    hv::GuestMemory& memory;
    hv::Bus& bus;
    std::vector<uint32_t> edges;  ///< the interrupts that are edge-triggered; others are level-triggered
  };

  /// The one that `config.accel` names. Processors are in their state after power-on. What `environment` refers to
  /// outlives the engine. Error: this host has none.
  static hv::Result<std::unique_ptr<Engine>> create(const MachineConfig& config, const Environment& environment);
  virtual ~Engine() = default;

  /// Puts all of it into its state after power-on.
  virtual hv::Result<void> reset() = 0;
  /// Where the first processor starts. The others wait for the guest.
  virtual hv::Result<void> start_at(const BootState& boot) = 0;
  virtual size_t vcpu_count() const noexcept = 0;
  virtual hv::Vcpu& vcpu(size_t index) noexcept = 0;
  /// The GIC's shared peripheral interrupts. Any thread, also while `reset` runs.
  virtual hv::InterruptSink& interrupts() noexcept = 0;
  /// A write of `value` (32 bits) at `address` may signal the eventfd rather than go to the bus.
  virtual hv::Result<void> ring_on_write(int event_fd, hv::GuestAddress address, uint32_t value) = 0;
};

}  // namespace vmm::arm64
