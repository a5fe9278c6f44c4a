#include "vmm/machine/x86_64/engine.h"

#include <vector>

#include "hv/kvm/x86/irqchip.h"
#include "hv/kvm/x86/x86_vcpu.h"
#include "vmm/machine/kvm_engine.h"
#include "vmm/machine/x86_64/memory_map.h"

namespace vmm::x86_64 {
namespace {

namespace kvm = hv::kvm;

class X86KvmEngine final : public KvmEngine<Engine, kvm::x86::X86Vcpu>, private hv::InterruptSink {
 public:
  X86KvmEngine(const MachineConfig& config, const Environment& environment)
      : KvmEngine(config.cpus, environment.memory),
        environment_(environment),
        model_(config.cpu.model == CpuModel::stable ? kvm::x86::CpuModel::stable : kvm::x86::CpuModel::host) {}

  hv::Result<void> start_at(const BootState& boot) override {
    using Mode = kvm::x86::StartState::Mode;
    kvm::x86::StartState state;
    state.mode = boot.protocol == X86Protocol::linux64 ? Mode::long64 : Mode::protected32;
    state.entry = boot.entry;
    state.stack = kBootStack.value;
    state.rbx = state.rsi = boot.parameters;
    state.page_table = kPageTables.base.value;
    state.gdt = kGdt.base.value;
    state.gdt_limit = kGdt.size - 1;
    return kvm_processor(0).start(state);
  }

  hv::InterruptSink& interrupts() noexcept override { return *this; }
  void save_controllers(hv::StateWriter& writer) const override { irqchip_->save(writer); }
  hv::Result<void> load_controllers(hv::StateReader& reader) override { return irqchip_->load(reader); }

 private:
  void set_line(uint32_t line, bool level) noexcept override {
    if_complete([&] { irqchip_->set_line(line, level); });
  }

  hv::Result<void> make_controllers_first(kvm::Vm& vm) override {
    irqchip_ = TRY(kvm::x86::Irqchip::create(vm, environment_.interrupts));
    supported_ = TRY(kvm::x86::supported_cpuid(vm.system()));
    return {};
  }

  hv::Result<std::unique_ptr<kvm::x86::X86Vcpu>> make_processor(kvm::Vm& vm, unsigned id) override {
    const auto cpuid = kvm::x86::guest_cpuid(supported_, id, cpus(), model_);
    return kvm::x86::X86Vcpu::create(vm, id, {environment_.bus, environment_.ports}, cpuid);
  }

  void remove_controllers() noexcept override { irqchip_.reset(); }

  const Environment environment_;
  const kvm::x86::CpuModel model_;
  std::vector<kvm::x86::CpuidLeaf> supported_;
  std::unique_ptr<kvm::x86::Irqchip> irqchip_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> Engine::create(const MachineConfig& config, const Environment& environment) {
  auto engine = std::make_unique<X86KvmEngine>(config, environment);
  TRY(engine->assemble());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::x86_64
