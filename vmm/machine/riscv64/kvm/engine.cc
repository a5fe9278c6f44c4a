#include "vmm/machine/riscv64/kvm/engine.h"

#include "devices/backend/char_backend.h"
#include "hv/kvm/riscv/riscv_vcpu.h"
#include "vmm/machine/kvm_engine.h"

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

class Riscv64KvmEngine final : public KvmEngine<Engine, kvm::riscv::RiscvVcpu> {
 public:
  Riscv64KvmEngine(const MachineConfig& config, const Environment& environment)
      : KvmEngine(config.cpus, environment.memory), environment_(environment) {}

  hv::Result<void> assemble() {
    TRY(KvmEngine::assemble());
    description_ = processor_of(kvm_processor(0).processor());
    return {};
  }

  hv::Result<void> start_at(const BootState& boot) override {
    return kvm_processor(0).start(boot.entry, boot.device_tree);
  }

  const Processor& processor() const noexcept override { return description_; }

  void set_external_interrupt(unsigned hart, bool machine, bool level) noexcept override {
    if (machine || hart >= cpus()) return;
    if_complete([&] { kvm_processor(hart).set_interrupt(kvm::riscv::kSupervisorExternal, level); });
  }

 private:
  hv::Result<std::unique_ptr<kvm::riscv::RiscvVcpu>> make_processor(kvm::Vm& vm, unsigned id) override {
    const auto print = [&console = environment_.console](std::span<const std::byte> text) {
      return console.write(text);
    };
    return kvm::riscv::RiscvVcpu::create(vm, id, environment_.bus, environment_.memory, print, false);
  }

  const Environment environment_;
  Processor description_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> create_kvm_engine(const MachineConfig& config,
                                                      const Engine::Environment& environment) {
  if (!config.boot.firmware.empty() || !config.boot.bare.empty())
    return hv::error("firmware and bare programs begin in M-mode, which KVM does not have; leave \"accel\" to auto");
  auto engine = std::make_unique<Riscv64KvmEngine>(config, environment);
  TRY(engine->assemble());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::riscv64
