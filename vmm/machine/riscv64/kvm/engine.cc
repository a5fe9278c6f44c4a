#include "vmm/machine/riscv64/kvm/engine.h"

#include <mutex>
#include <vector>

#include "devices/backend/char_backend.h"
#include "hv/base/log.h"
#include "hv/kvm/riscv/riscv_vcpu.h"

namespace vmm::riscv64 {
namespace {

namespace kvm = hv::kvm;

Processor processor_of(const kvm::riscv::Processor& processor) {
  return {processor.extensions,
          processor.address_bits,
          processor.cbom_block,
          processor.cboz_block,
          processor.cbop_block,
          processor.timebase,
          false};
}

class KvmEngine final : public Engine {
 public:
  KvmEngine(const MachineConfig& config, const Environment& environment)
      : cpus_(config.cpus), environment_(environment) {}
  ~KvmEngine() override { log_exits(); }

  hv::Result<void> assemble() {
    system_ = TRY(kvm::System::open());
    TRY(make());
    processor_ = processor_of(vcpus_[0]->processor());
    return {};
  }

  /// New harts are in their state after power-on, whatever the old ones were in.
  hv::Result<void> reset() override {
    log_exits();
    TRY(make());
    for (const Doorbell& bell : doorbells_) TRY(ring(bell));
    return {};
  }

  hv::Result<void> start_at(const BootState& boot) override { return vcpus_[0]->start(boot.entry, boot.device_tree); }

  size_t vcpu_count() const noexcept override { return cpus_; }
  hv::Vcpu& vcpu(size_t index) noexcept override { return *vcpus_[index]; }
  const Processor& processor() const noexcept override { return processor_; }

  void set_external_interrupt(unsigned hart, bool machine, bool level) noexcept override {
    const std::lock_guard lock(mutex_);
    if (!machine && hart < vcpus_.size()) vcpus_[hart]->set_interrupt(kvm::riscv::kSupervisorExternal, level);
  }

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

  hv::Result<void> make() {
    const std::lock_guard lock(mutex_);
    vcpus_.clear();
    vm_.reset();
    vm_ = TRY(kvm::Vm::create(system_, environment_.memory));
    const auto print = [&console = environment_.console](std::span<const std::byte> text) {
      return console.write(text);
    };
    for (unsigned id = 0; id < cpus_; ++id)
      vcpus_.push_back(
          TRY(kvm::riscv::RiscvVcpu::create(*vm_, id, environment_.bus, environment_.memory, print, false)));
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
  std::vector<std::unique_ptr<kvm::riscv::RiscvVcpu>> vcpus_;
  std::vector<Doorbell> doorbells_;
  Processor processor_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment) {
  if (!config.boot.firmware.empty() || !config.boot.bare.empty())
    return hv::error("firmware and bare programs begin in M-mode, which KVM does not have; leave \"accel\" to auto");
  auto engine = std::make_unique<KvmEngine>(config, environment);
  TRY(engine->assemble());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::riscv64
