#pragma once

#include <cstdint>

#include "hv/core/bus.h"
#include "hv/core/machine_control.h"

namespace devices {

/// The registers of a hardware-reduced ACPI machine (ACPI 6.5 §4.8.3): one byte each for sleep control, sleep status
/// and reset. Without state; any thread.
class AcpiPower final : public hv::BusDevice {
 public:
  static constexpr uint64_t kSize = 3;
  static constexpr uint64_t kSleepControl = 0;
  static constexpr uint64_t kSleepStatus = 1;
  static constexpr uint64_t kReset = 2;
  static constexpr uint8_t kResetValue = 1;
  static constexpr uint8_t kSoftOff = 5;  ///< SLP_TYP of \_S5

  explicit AcpiPower(hv::MachineControl& machine) : machine_(machine) {}

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

 private:
  hv::MachineControl& machine_;
};

}  // namespace devices
