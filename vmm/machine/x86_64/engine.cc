#include "vmm/machine/x86_64/engine.h"

#include <vector>

#include "hv/base/log.h"
#include "hv/kvm/x86/irqchip.h"
#include "hv/kvm/x86/x86_vcpu.h"
#include "vmm/machine/x86_64/memory_map.h"

namespace vmm::x86_64 {
namespace {

namespace kvm = hv::kvm;

class KvmEngine final : public Engine {
 public:
  ~KvmEngine() override {
    for (const auto& vcpu : vcpus_) hv::log::debug("processor {}", vcpu->exit_counts().describe());
  }

  hv::Result<void> assemble(const MachineConfig& config, const Environment& environment) {
    const auto system = TRY(kvm::System::open());
    vm_ = TRY(kvm::Vm::create(system, environment.memory));
    irqchip_ = TRY(kvm::x86::Irqchip::create(*vm_, environment.interrupts));
    const auto supported = TRY(kvm::x86::supported_cpuid(*system));
    for (unsigned id = 0; id < config.cpus; ++id) {
      const auto cpuid = kvm::x86::guest_cpuid(supported, id, config.cpus, kvm::x86::CpuModel::host);
      vcpus_.push_back(TRY(kvm::x86::X86Vcpu::create(*vm_, id, {environment.bus, environment.ports}, cpuid)));
    }
    return {};
  }

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
    return vcpus_[0]->start(state);
  }

  hv::Vcpu& vcpu(size_t index) noexcept override { return *vcpus_[index]; }
  hv::InterruptSink& interrupts() noexcept override { return *irqchip_; }

  hv::Result<void> ring_on_write(int event_fd, hv::GuestAddress address, uint32_t value) override {
    return vm_->event_on_write(event_fd, address, sizeof value, value);
  }

 private:
  std::unique_ptr<kvm::Vm> vm_;
  std::unique_ptr<kvm::x86::Irqchip> irqchip_;
  std::vector<std::unique_ptr<kvm::x86::X86Vcpu>> vcpus_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> Engine::create(const MachineConfig& config, const Environment& environment) {
  auto engine = std::make_unique<KvmEngine>();
  TRY(engine->assemble(config, environment));
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::x86_64
