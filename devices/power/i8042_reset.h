#pragma once

#include <cstdint>

#include "hv/core/bus.h"
#include "hv/core/machine_control.h"

namespace devices {

/// Of a PC's keyboard controller (ports 0x60 to 0x64) what resets the machine: command 0xfe. No keyboard is there.
/// Without state; any thread.
class I8042Reset final : public hv::BusDevice {
 public:
  static constexpr uint64_t kSize = 5;

  explicit I8042Reset(hv::MachineControl& machine) : machine_(machine) {}

  /// Status: nothing to read, ready for a command.
  uint64_t bus_read(uint64_t, unsigned) noexcept override { return 0; }
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override {
    constexpr uint64_t kCommand = 4;
    constexpr uint64_t kPulseReset = 0xfe;
    if (offset == kCommand && size == 1 && value == kPulseReset) machine_.reboot();
  }

 private:
  hv::MachineControl& machine_;
};

}  // namespace devices
