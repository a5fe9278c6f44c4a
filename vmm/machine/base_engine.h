#pragma once

#include <cstddef>
#include <cstdint>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "hv/core/state_io.h"
#include "hv/core/vcpu.h"

namespace vmm {

/// What runs a machine: processors, and what comes with them. Each architecture's `Engine` adds what its platform
/// tells it, and no platform knows more of it than that.
class BaseEngine {
 public:
  virtual ~BaseEngine() = default;

  /// Puts all of it into its state after power-on.
  virtual hv::Result<void> reset() = 0;
  /// What is its own beside its processors: interrupt controllers, clocks. Before them, while none runs.
  virtual void save_controllers(hv::StateWriter&) const {}
  virtual hv::Result<void> load_controllers(hv::StateReader&) { return {}; }
  virtual size_t vcpu_count() const noexcept = 0;
  virtual hv::Vcpu& vcpu(size_t index) noexcept = 0;
  /// A write of `value` (32 bits) at `address` may signal the eventfd rather than go to the bus.
  virtual hv::Result<void> ring_on_write(int event_fd, hv::GuestAddress address, uint32_t value) = 0;
};

}  // namespace vmm
