#include "devices/power/acpi_power.h"
#include "devices/power/i8042_reset.h"
#include "tests/fuzz/mmio.h"

namespace {

struct Machine : hv::MachineControl {
  void power_off(int code) noexcept override { CHECK(code == 0); }
  void reboot() noexcept override {}
};

}  // namespace

/// A PC that accesses what powers it off and what resets it in any way.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::MmioScript script({data, size});
  Machine machine;
  devices::AcpiPower acpi(machine);
  devices::I8042Reset keyboard(machine);
  while (!script.ended()) {
    script.access(acpi, devices::AcpiPower::kSize);
    script.access(keyboard, devices::I8042Reset::kSize);
  }
  return 0;
}
