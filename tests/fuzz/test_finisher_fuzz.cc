#include "devices/syscon/test_finisher.h"
#include "tests/fuzz/mmio.h"

namespace {

struct Machine : hv::MachineControl {
  void power_off(int code) noexcept override { CHECK(code >= 0 && code <= 0xffff); }
  void reboot() noexcept override {}
};

}  // namespace

/// A guest that writes what it likes; its exit status is one of 16 bits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::MmioScript script({data, size});
  Machine machine;
  devices::TestFinisher finisher(machine);
  while (!script.ended()) {
    finisher.bus_write(0, 4, script.next<uint32_t>());
    script.access(finisher, devices::TestFinisher::kSize);
  }
  return 0;
}
