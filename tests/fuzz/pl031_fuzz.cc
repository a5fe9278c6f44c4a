#include <atomic>

#include "devices/timer/pl031.h"
#include "tests/fuzz/mmio.h"

/// A guest that accesses the clock as it likes, while the alarm rings and the host's time jumps.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static hv::AlarmService alarms;
  devices::MmioScript script({data, size});
  std::atomic<uint64_t> host_time = 0;
  devices::Pl031 rtc(alarms, {}, [&] { return host_time.load(); });
  while (!script.ended()) {
    if (script.next<uint8_t>() < 32) host_time = script.next<uint64_t>();
    script.access(rtc, devices::Pl031::kSize);
  }
  return 0;
}
