#include "vmm/machine/arm64/kvm/engine.h"

#include "hv/kvm/arm/arm_vcpu.h"
#include "hv/kvm/arm/gic.h"
#include "vmm/machine/arm64/memory_map.h"
#include "vmm/machine/kvm_engine.h"

namespace vmm::arm64 {
namespace {

namespace kvm = hv::kvm;

class Arm64KvmEngine final : public KvmEngine<Engine, kvm::arm::ArmVcpu>, private hv::InterruptSink {
 public:
  Arm64KvmEngine(const MachineConfig& config, const Environment& environment)
      : KvmEngine(config.cpus, environment.memory), environment_(environment) {}

  hv::Result<void> start_at(const BootState& boot) override {
    return kvm_processor(0).start(boot.entry, boot.device_tree);
  }

  hv::InterruptSink& interrupts() noexcept override { return *this; }
  void save_controllers(hv::StateWriter& writer) const override { gic_->save(writer); }
  hv::Result<void> load_controllers(hv::StateReader& reader) override { return gic_->load(reader); }

 private:
  void set_line(uint32_t line, bool level) noexcept override {
    if_complete([&] { gic_->set_line(line, level); });
  }

  hv::Result<std::unique_ptr<kvm::arm::ArmVcpu>> make_processor(kvm::Vm& vm, unsigned id) override {
    return kvm::arm::ArmVcpu::create(vm, id, environment_.bus);
  }

  hv::Result<void> make_controllers_last(kvm::Vm& vm) override {
    gic_ = TRY(
        kvm::arm::Gic::create(vm, cpus(), {kDistributor.base, kRedistributors.base, kInterrupts, environment_.edges}));
    return {};
  }

  void remove_controllers() noexcept override { gic_.reset(); }

  const Environment environment_;
  std::unique_ptr<kvm::arm::Gic> gic_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment) {
  auto engine = std::make_unique<Arm64KvmEngine>(config, environment);
  TRY(engine->assemble());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::arm64
