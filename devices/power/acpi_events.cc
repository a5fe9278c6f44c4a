#include "devices/power/acpi_events.h"

#include <utility>

namespace devices {

void AcpiEvents::press_power_button() noexcept {
  {
    const std::lock_guard lock(mutex_);
    pending_ |= kPowerButton;
  }
  interrupt_.set(true);
  interrupt_.set(false);
}

uint64_t AcpiEvents::bus_read(uint64_t, unsigned size) noexcept {
  if (size != kSize) return 0;
  const std::lock_guard lock(mutex_);
  return std::exchange(pending_, uint8_t{0});
}

void AcpiEvents::save(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("acpi-events", 1, [&] { writer.value(pending_); });
}

hv::Result<void> AcpiEvents::load(hv::StateReader& reader) {
  const std::lock_guard lock(mutex_);
  reader.section("acpi-events", 1, [&](uint32_t) {
    reader.value(pending_);
    if (pending_ > kPowerButton) reader.fail("an ACPI event that there is not");
  });
  return reader.status();
}

}  // namespace devices
