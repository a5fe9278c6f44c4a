#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/kvm/vm.h"

namespace hv::kvm {

/// The edge-triggered inputs of an interrupt controller in the kernel. Each is an irqfd: its rising edge is one write,
/// and going down again costs nothing. What is not said otherwise: any thread.
class EdgeEvents {
 public:
  /// `vm` outlives this.
  explicit EdgeEvents(Vm& vm) : vm_(vm) {}

  /// Once, before anything is raised, when the controller is made.
  Result<void> connect(const std::vector<uint32_t>& lines);

  bool has(uint32_t line) const noexcept { return events_.contains(line); }
  /// A rising edge of a line that it has.
  void raise(uint32_t line) const noexcept;
  /// Waits until the controller has every edge that was raised before, so that its state can be saved.
  void settle() const;

 private:
  Vm& vm_;
  std::map<uint32_t, UniqueFd> events_;  ///< constant once connected
};

}  // namespace hv::kvm
