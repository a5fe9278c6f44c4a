#include "vmm/machine/riscv64/emulated_engine.h"

#include <functional>
#include <optional>

#include "devices/backend/char_backend.h"
#include "devices/irq/aclint.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/hart_group.h"
#include "emu/riscv/irq_pins.h"
#include "hv/core/guest_clock.h"
#include "vmm/machine/riscv64/jit_observers.h"
#include "vmm/machine/riscv64/jit_report.h"
#include "vmm/machine/riscv64/memory_map.h"

namespace vmm::riscv64 {
namespace {

namespace irq = emu::riscv::irq;

constexpr size_t kFirmwareInfoRegister = 12;  // a2

/// The SBI's debug console: output goes to where the machine's console is; input is the console device's alone.
class DebugConsole final : public emu::riscv::sbi::Console {
 public:
  explicit DebugConsole(devices::CharBackend& backend) : backend_(backend) {}
  size_t write(std::span<const std::byte> data) noexcept override { return backend_.write(data); }
  size_t read(std::span<std::byte>) noexcept override { return 0; }

 private:
  devices::CharBackend& backend_;
};

emu::riscv::EngineKind engine_kind(Accel accel) {
  if (accel == Accel::jit) return emu::riscv::EngineKind::jit;
  return accel == Accel::lockstep ? emu::riscv::EngineKind::lockstep : emu::riscv::EngineKind::interpreter;
}

class EmulatedEngine final : public Engine {
 public:
  explicit EmulatedEngine(const Environment& environment)
      : environment_(environment), debug_console_(environment.console) {}

  hv::Result<void> assemble(const MachineConfig& config) {
    const bool has_firmware = !config.boot.firmware.empty() || !config.boot.bare.empty();
    observer_ = TRY(make_jit_observers(config.jit));
    harts_ = TRY(emu::riscv::HartGroup::create(
        config.cpus, has_firmware ? emu::riscv::Firmware::guest : emu::riscv::Firmware::built_in,
        {environment_.memory, environment_.bus, clock_, environment_.alarms, environment_.control, &debug_console_},
        {.kind = engine_kind(config.accel),
         .jit_cache = config.jit.cache,
         .observer = observer_.get(),
         .counts = config.jit.counts}));
    aclint_.emplace(config.cpus, clock_, environment_.alarms,
                    devices::AclintMachine::Outputs{drive(irq::kMachineSoftware), drive(irq::kMachineTimer),
                                                    [this] { harts_->clock_changed(); }});
    aclint_->save(power_on_state_);
    sswi_.emplace(config.cpus,
                  [this](unsigned hart) { harts_->hart(hart).set_interrupt(irq::kSupervisorSoftware, true); });
    TRY(environment_.bus.add(kClint, *aclint_, "clint"));
    return environment_.bus.add(kSswi, *sswi_, "sswi");
  }

  hv::Result<void> reset() override {
    hv::StateReader reader(power_on_state_.data());
    return aclint_->load(reader);
  }

  void save_controllers(hv::StateWriter& writer) const override {
    clock_.save(writer);
    aclint_->save(writer);
  }
  hv::Result<void> load_controllers(hv::StateReader& reader) override {
    TRY(clock_.load(reader));
    return aclint_->load(reader);
  }

  hv::Result<void> start_at(const BootState& boot) override {
    clock_.set_ticks(0);
    harts_->reset({boot.entry, boot.device_tree});
    for (size_t i = 0; i < harts_->size(); ++i) harts_->hart(i).state().x[kFirmwareInfoRegister] = boot.firmware_info;
    return {};
  }

  size_t vcpu_count() const noexcept override { return harts_->size(); }
  hv::Vcpu& vcpu(size_t index) noexcept override { return harts_->hart(index); }
  const Processor& processor() const noexcept override { return processor_; }

  void set_external_interrupt(unsigned hart, bool machine, bool level) noexcept override {
    harts_->hart(hart).set_interrupt(machine ? irq::kMachineExternal : irq::kSupervisorExternal, level);
  }

  /// The bus is as near.
  hv::Result<void> ring_on_write(int, hv::GuestAddress, uint32_t) override { return {}; }

  Report jit_report() override { return riscv64::jit_report(*harts_); }

 private:
  std::function<void(unsigned hart, bool level)> drive(hv::IrqPin pin) {
    return [this, pin](unsigned hart, bool level) { harts_->hart(hart).set_interrupt(pin, level); };
  }

  const Environment environment_;
  const Processor processor_ = emulated_processor();
  DebugConsole debug_console_;
  hv::GuestClock clock_{kTimebaseFrequency};
  ObserverPointer observer_;
  std::unique_ptr<emu::riscv::HartGroup> harts_;
  std::optional<devices::AclintMachine> aclint_;
  std::optional<devices::AclintSupervisorSoftware> sswi_;
  hv::StateWriter power_on_state_;
};

}  // namespace

hv::Result<std::unique_ptr<Engine>> create_emulated_engine(const MachineConfig& config,
                                                           const Engine::Environment& environment) {
  auto engine = std::make_unique<EmulatedEngine>(environment);
  TRY(engine->assemble(config));
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace vmm::riscv64
