#include "devices/power/acpi_events.h"
#include "devices/timer/cmos_rtc.h"
#include "tests/fuzz/mmio.h"

namespace {

constexpr uint8_t kTimeRegisters[] = {0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, devices::CmosRtc::kCentury};

}  // namespace

/// A guest that accesses a PC's events and its clock as it likes, at any time; what the clock shows are
/// decimals.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::MmioScript script({data, size});
  uint64_t host_time = 0;
  devices::AcpiEvents events({});
  devices::CmosRtc clock([&] { return host_time; });
  while (!script.ended()) {
    const auto kind = script.next<uint8_t>();
    if (kind < 32) events.press_power_button();
    if (kind >= 224) host_time = script.next<uint64_t>();
    script.access(events, devices::AcpiEvents::kSize);
    script.access(clock, devices::CmosRtc::kSize);
  }
  for (const uint8_t index : kTimeRegisters) {
    clock.bus_write(0, 1, index);
    const uint64_t value = clock.bus_read(1, 1);
    CHECK((value & 0xf) <= 9 && value >> 4 <= 9);
  }
  devices::AcpiEvents other_events({});
  devices::check_round_trip(events, other_events);
  devices::CmosRtc other_clock([&] { return host_time; });
  devices::check_round_trip(clock, other_clock);
  return 0;
}
