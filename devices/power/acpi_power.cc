#include "devices/power/acpi_power.h"

namespace devices {

uint64_t AcpiPower::bus_read(uint64_t, unsigned) noexcept { return 0; }

void AcpiPower::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  constexpr uint64_t kTypeShift = 2;
  constexpr uint64_t kTypeMask = 7;
  constexpr uint64_t kEnable = 1u << 5;
  if (size != 1) return;
  if (offset == kReset && value == kResetValue) return machine_.reboot();
  if (offset == kSleepControl && (value & kEnable) != 0 && ((value >> kTypeShift) & kTypeMask) == kSoftOff)
    machine_.power_off(0);
}

}  // namespace devices
