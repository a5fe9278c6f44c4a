#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"
#include "hv/core/guest_memory.h"
#include "hv/kvm/system.h"

namespace hv::kvm {

/// A virtual machine of the kernel's: its memory slots, and what connects it to devices without leaving the kernel.
///
/// Its vCPUs write to memory without marking it. The kernel's dirty log begins when dirty pages are asked for the first
/// time (until then it would cost a fault for each page): that first answer names every page.
class Vm final : public UnmarkedWriter {
 public:
  /// All of `memory` becomes the guest's; it outlives this.
  static Result<std::unique_ptr<Vm>> create(std::shared_ptr<const System> system, GuestMemory& memory);
  ~Vm();

  int fd() const noexcept { return fd_.get(); }
  const System& system() const noexcept { return *system_; }

  /// A write to the eventfd interrupts the guest at `line` of the kernel's interrupt controllers, as an edge.
  Result<void> interrupt_on_event(int event_fd, uint32_t line);
  /// Returns when all writes to the eventfd so far have interrupted the guest: KVM does it a little later.
  Result<void> settle_interrupt(int event_fd, uint32_t line);
  /// A write of `value`, `size` bytes at `address`, signals the eventfd and does not reach the bus.
  Result<void> event_on_write(int event_fd, GuestAddress address, unsigned size, uint64_t value);

  void mark_unmarked_writes() noexcept override;
  /// The kernel's log goes on by itself.
  void stop_unmarked_writes() noexcept override {}

 private:
  Vm(std::shared_ptr<const System> system, GuestMemory& memory) : system_(std::move(system)), memory_(memory) {}
  Result<void> set_slot(uint32_t slot, bool log_writes);
  void fetch_log(uint32_t slot) noexcept;

  const std::shared_ptr<const System> system_;
  GuestMemory& memory_;
  UniqueFd fd_;
  bool registered_ = false;
  bool logs_ = false;
};

}  // namespace hv::kvm
