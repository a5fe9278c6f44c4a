#pragma once

#include <atomic>
#include <cstdint>

struct kvm_run;

namespace hv::kvm {

/// Makes a vCPU's thread come back from KVM_RUN. `request` belongs to every thread and to signal handlers, the rest to
/// the vCPU's.
///
/// No request is lost. A request sets its flag, then kvm_run.immediate_exit, then signals the thread that is running.
/// The thread clears immediate_exit and then looks at the flag, in one total order with these: it either sees the flag,
/// or leaves immediate_exit set, with which KVM_RUN returns at once; and a thread that is past the kernel's look at
/// immediate_exit gets the signal, which ends KVM_RUN. What a request that was answered already leaves behind makes one
/// KVM_RUN come back for nothing.
class Kick {
 public:
  /// `run` outlives this, and begins zeroed.
  explicit Kick(kvm_run& run) noexcept : run_(run) {}

  /// Between these two the calling thread is the one that is signalled.
  void enter() noexcept;
  void leave() noexcept { thread_ = 0; }

  void request() noexcept;
  /// Before each KVM_RUN: whether there was a request; it is answered.
  bool take_request() noexcept;
  /// The next KVM_RUN finishes what the last exit left to do, and comes back.
  void only_finish() noexcept;

 private:
  std::atomic_ref<uint8_t> immediate_exit() noexcept;

  kvm_run& run_;
  std::atomic<int> requested_{0};  ///< no bool: not every processor exchanges bytes without a lock
  std::atomic<int> thread_{0};     ///< 0: none runs
};

}  // namespace hv::kvm
