#include "vmm/machine/arm64/kvm/engine.h"

#include <mutex>

#include "hv/base/log.h"
#include "hv/kvm/arm/arm_vcpu.h"
#include "hv/kvm/arm/gic.h"
#include "vmm/machine/arm64/memory_map.h"

namespace vmm::arm64 {
namespace {

namespace kvm = hv::kvm;

class KvmEngine final : public Engine, private hv::InterruptSink {
 public:
  KvmEngine(const MachineConfig& config, const Environment& environment)
      : cpus_(config.cpus), environment_(environment) {}
  ~KvmEngine() override { log_exits(); }

  hv::Result<void> assemble() {
    system_ = TRY(kvm::System::open());
    return make();
  }

  /// New processors and controllers are in their state after power-on, whatever the old ones were in.
  hv::Result<void> reset() override {
    log_exits();
    TRY(make());
    for (const Doorbell& bell : doorbells_) TRY(ring(bell));
    return {};
  }

  hv::Result<void> start_at(const BootState& boot) override { return vcpus_[0]->start(boot.entry, boot.device_tree); }

  size_t vcpu_count() const noexcept override { return cpus_; }
  hv::Vcpu& vcpu(size_t index) noexcept override { return *vcpus_[index]; }
  hv::InterruptSink& interrupts() noexcept override { return *this; }

  hv::Result<void> ring_on_write(int event_fd, hv::GuestAddress address, uint32_t value) override {
    doorbells_.push_back({event_fd, address, value});
    return ring(doorbells_.back());
  }

 private:
  struct Doorbell {
    int event_fd;
    hv::GuestAddress address;
    uint32_t value;
  };

  void set_line(uint32_t line, bool level) noexcept override {
    const std::lock_guard lock(mutex_);
    if (gic_ != nullptr) gic_->set_line(line, level);
  }

  hv::Result<void> make() {
    const std::lock_guard lock(mutex_);
    gic_.reset();
    vcpus_.clear();
    vm_.reset();
    vm_ = TRY(kvm::Vm::create(system_, environment_.memory));
    for (unsigned id = 0; id < cpus_; ++id)
      vcpus_.push_back(TRY(kvm::arm::ArmVcpu::create(*vm_, id, environment_.bus)));
    gic_ = TRY(
        kvm::arm::Gic::create(*vm_, cpus_, {kDistributor.base, kRedistributors.base, kInterrupts, environment_.edges}));
    return {};
  }

  hv::Result<void> ring(const Doorbell& bell) {
    return vm_->event_on_write(bell.event_fd, bell.address, sizeof bell.value, bell.value);
  }

  void log_exits() const {
    for (const auto& vcpu : vcpus_) hv::log::debug("processor {}", vcpu->exit_counts().describe());
  }

  const unsigned cpus_;
  const Environment environment_;
  std::shared_ptr<const kvm::System> system_;
  std::mutex mutex_;  ///< guards what follows against devices, whose lines change also while the machine stands
  std::unique_ptr<kvm::Vm> vm_;
  std::vector<std::unique_ptr<kvm::arm::ArmVcpu>> vcpus_;
  std::unique_ptr<kvm::arm::Gic> gic_;
  std::vector<Doorbell> doorbells_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment) {
  auto engine = std::make_unique<KvmEngine>(config, environment);
  TRY(engine->assemble());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::arm64
