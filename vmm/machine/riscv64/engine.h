#pragma once

#include <memory>

#include "hv/base/result.h"
#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/guest_memory.h"
#include "hv/core/machine_control.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/base_engine.h"
#include "vmm/machine/report.h"
#include "vmm/machine/riscv64/boot.h"
#include "vmm/machine/riscv64/processor.h"

namespace devices {
class CharBackend;
}  // namespace devices

namespace vmm::riscv64 {

/// What runs a riscv64 machine: harts, their timers and the interrupts between them.
class Engine : public BaseEngine {
 public:
  /// All of it outlives the engine.
  struct Environment {
    hv::GuestMemory& memory;
    hv::Bus& bus;
    hv::AlarmService& alarms;
    hv::MachineControl& control;
    devices::CharBackend& console;  ///< gets what the SBI's debug console prints
  };

  /// The one that `config.accel` names. Harts are in their state after power-on.
  static hv::Result<std::unique_ptr<Engine>> create(const MachineConfig& config, const Environment& environment);

  virtual hv::Result<void> start_at(const BootState& boot) = 0;
  virtual const Processor& processor() const noexcept = 0;
  /// A hart's external interrupt, of M-mode or of S-mode. Any thread, also while `reset` runs.
  virtual void set_external_interrupt(unsigned hart, bool machine, bool level) noexcept = 0;
  virtual Report jit_report() { return {}; }
};

}  // namespace vmm::riscv64
