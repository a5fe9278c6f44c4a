#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "hv/base/log.h"
#include "hv/core/guest_memory.h"
#include "hv/kvm/system.h"
#include "hv/kvm/vm.h"
#include "vmm/machine/base_engine.h"

namespace vmm {

/// What the KVM engines of all architectures have: a virtual machine of the kernel's, its processors, and doorbells
/// that the kernel rings. `ArchEngine` is the architecture's engine, `Processor` its KvmVcpu.
template <typename ArchEngine, typename Processor>
class KvmEngine : public ArchEngine {
 public:
  /// Once, before anything else. Error: why KVM cannot run the machine here.
  hv::Result<void> assemble() {
    system_ = TRY(hv::kvm::System::open());
    return make();
  }

  /// A new virtual machine is in its state after power-on, whatever the old one was in.
  hv::Result<void> reset() final {
    log_exits();
    TRY(make());
    for (const Doorbell& bell : doorbells_) TRY(ring(bell));
    return {};
  }

  size_t vcpu_count() const noexcept final { return cpus_; }
  hv::Vcpu& vcpu(size_t index) noexcept final { return kvm_processor(index); }

  hv::Result<void> ring_on_write(int event_fd, hv::GuestAddress address, uint32_t value) final {
    doorbells_.push_back({event_fd, address, value});
    return ring(doorbells_.back());
  }

 protected:
  /// `memory` outlives this.
  KvmEngine(unsigned cpus, hv::GuestMemory& memory) : cpus_(cpus), memory_(memory) {}
  ~KvmEngine() override { log_exits(); }

  /// The controllers that a new virtual machine has in the kernel, in the order that the kernel wants: before its
  /// processors,
  virtual hv::Result<void> make_controllers_first(hv::kvm::Vm&) { return {}; }
  virtual hv::Result<std::unique_ptr<Processor>> make_processor(hv::kvm::Vm& vm, unsigned id) = 0;
  /// and after them.
  virtual hv::Result<void> make_controllers_last(hv::kvm::Vm&) { return {}; }
  /// Those that there are, before their virtual machine.
  virtual void remove_controllers() noexcept {}

  unsigned cpus() const noexcept { return cpus_; }
  Processor& kvm_processor(size_t index) noexcept { return *processors_[index]; }

  /// Calls `use`, unless the virtual machine is being made anew just then: devices' lines change at any time.
  template <typename Use>
  void if_complete(const Use& use) noexcept {
    const std::lock_guard lock(mutex_);
    if (complete_) use();
  }

 private:
  struct Doorbell {
    int event_fd;
    hv::GuestAddress address;
    uint32_t value;
  };

  hv::Result<void> make() {
    const std::lock_guard lock(mutex_);
    complete_ = false;
    remove_controllers();
    processors_.clear();
    vm_.reset();
    vm_ = TRY(hv::kvm::Vm::create(system_, memory_));
    TRY(make_controllers_first(*vm_));
    for (unsigned id = 0; id < cpus_; ++id) processors_.push_back(TRY(make_processor(*vm_, id)));
    TRY(make_controllers_last(*vm_));
    complete_ = true;
    return {};
  }

  hv::Result<void> ring(const Doorbell& bell) {
    return vm_->event_on_write(bell.event_fd, bell.address, sizeof bell.value, bell.value);
  }

  void log_exits() const {
    for (const auto& processor : processors_) hv::log::debug("processor {}", processor->exit_counts().describe());
  }

  const unsigned cpus_;
  hv::GuestMemory& memory_;
  std::shared_ptr<const hv::kvm::System> system_;
  std::mutex mutex_;  ///< guards what follows, and the controllers
  bool complete_ = false;
  std::unique_ptr<hv::kvm::Vm> vm_;
  std::vector<std::unique_ptr<Processor>> processors_;
  std::vector<Doorbell> doorbells_;
};

}  // namespace vmm
