#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "hv/base/result.h"
#include "hv/core/machine_control.h"
#include "hv/core/state_io.h"
#include "hv/core/vcpu.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/report.h"

namespace devices {
class CharBackend;
class EventLoop;
}  // namespace devices

namespace vmm {

/// What a platform is given by whoever assembles the machine; all of it outlives the platform.
struct PlatformEnvironment {
  devices::CharBackend& console;
  devices::EventLoop& console_loop;
  hv::MachineControl& control;
};

/// The hardware of one architecture's machine: memory, bus, devices and vCPUs, but not the threads of the vCPUs. Owned
/// by the machine's thread.
class Platform {
 public:
  static hv::Result<std::unique_ptr<Platform>> create(const MachineConfig& config,
                                                      const PlatformEnvironment& environment);
  virtual ~Platform() = default;

  /// Puts memory, devices and vCPUs into their state after power-on and loads what the machine starts with. While
  /// stopped.
  virtual hv::Result<void> power_on() = 0;
  /// All of it, as a machine of the same configuration can take it over instead of its power_on: that machine's disks
  /// have to be as this one's are now. While stopped. A program that HTIF serves (boot.bare) loses it.
  virtual void save(hv::StateWriter& writer) const = 0;
  virtual hv::Result<void> load(hv::StateReader& reader) = 0;
  /// Lets devices and timers run; the vCPUs' threads follow.
  virtual void start() = 0;
  /// Halts the devices, their data written out. The vCPUs' threads have ended.
  virtual void stop() noexcept = 0;

  virtual size_t vcpu_count() const noexcept = 0;
  virtual hv::Vcpu& vcpu(size_t index) noexcept = 0;
  /// Asks the guest to power itself off. False: the machine has no button. Any thread.
  virtual bool press_power_button() noexcept { return false; }
  virtual uint64_t memory_size() const noexcept = 0;  ///< bytes
  /// What the JIT did; no groups where there is none. The vCPUs' threads have ended.
  virtual Report jit_report() { return {}; }
};

}  // namespace vmm
