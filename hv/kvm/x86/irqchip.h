#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"
#include "hv/kvm/edge_events.h"
#include "hv/kvm/vm.h"

namespace hv::kvm::x86 {

/// A PC's interrupt controllers in the kernel (two 8259A, one IOAPIC with 24 inputs) and the guest's clock. Guests
/// take its inputs as edge-triggered. Any thread.
class Irqchip final : public InterruptSink, public Snapshottable {
 public:
  static constexpr uint32_t kLines = 24;

  /// Before the first vCPU is made. `lines` are those that devices will drive. `vm` outlives this.
  static Result<std::unique_ptr<Irqchip>> create(Vm& vm, const std::vector<uint32_t>& lines);

  void set_line(uint32_t line, bool level) noexcept override;

  /// Before the processors: an interrupt that is under way reaches their APICs.
  void save(StateWriter& writer) const override;
  Result<void> load(StateReader& reader) override;

 private:
  explicit Irqchip(Vm& vm) : vm_(vm), edges_(vm) {}

  Vm& vm_;
  EdgeEvents edges_;
};

}  // namespace hv::kvm::x86
