#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"
#include "hv/kvm/edge_events.h"
#include "hv/kvm/vm.h"

namespace hv::kvm::arm {

/// A GICv3 in the kernel. Lines are shared peripheral interrupts (SPI 0 is interrupt 32). Any thread.
class Gic final : public InterruptSink, public Snapshottable {
 public:
  static constexpr uint64_t kDistributorSize = 0x1'0000;
  static constexpr uint64_t kRedistributorSize = 0x2'0000;  ///< of each processor

  struct Layout {
    GuestAddress distributor;
    GuestAddress redistributors;  ///< processor 0's; the others follow
    uint32_t lines = 0;
    std::vector<uint32_t> edges;  ///< the lines that are edge-triggered; the others are level-triggered
  };

  /// When all of the VM's vCPUs are made and none has run. `vm` outlives this.
  static Result<std::unique_ptr<Gic>> create(Vm& vm, unsigned cpus, const Layout& layout);

  void set_line(uint32_t line, bool level) noexcept override;

  void save(StateWriter& writer) const override;
  Result<void> load(StateReader& reader) override;

 private:
  Gic(Vm& vm, unsigned cpus, uint32_t lines) : vm_(vm), cpus_(cpus), lines_(lines), edges_(vm) {}
  Result<void> set_attribute(uint32_t group, uint64_t attribute, const void* value) const;

  Vm& vm_;
  const unsigned cpus_;
  const uint32_t lines_;
  UniqueFd device_;
  EdgeEvents edges_;
};

}  // namespace hv::kvm::arm
