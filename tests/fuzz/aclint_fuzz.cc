#include "devices/irq/aclint.h"
#include "tests/fuzz/mmio.h"

/// A guest that accesses the ACLINT as it likes, while its alarms ring.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static hv::AlarmService alarms;
  const auto to_hart = [](unsigned hart, bool) { CHECK(hart < 3); };
  devices::MmioScript script({data, size});
  hv::GuestClock clock(10'000'000);
  devices::AclintMachine aclint(3, clock, alarms, {to_hart, to_hart, [] {}});
  devices::AclintSupervisorSoftware sswi(3, [](unsigned hart) { CHECK(hart < 3); });
  while (!script.ended()) {
    script.access(aclint, devices::AclintMachine::kSize);
    script.access(sswi, devices::AclintSupervisorSoftware::kSize);
  }
  devices::AclintMachine other(3, clock, alarms, {to_hart, to_hart, nullptr});
  devices::check_round_trip(aclint, other);
  return 0;
}
