#include "devices/irq/plic.h"
#include "tests/fuzz/mmio.h"

/// A guest that accesses the PLIC as it likes, while devices raise and lower their lines.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr unsigned kSources = 95;
  devices::MmioScript script({data, size});
  devices::Plic plic(kSources, 4, [](unsigned hart, bool, bool) { CHECK(hart < 4); });
  while (!script.ended()) {
    const auto action = script.next<uint8_t>();
    if (action < 64) plic.set_line(1 + script.next<uint8_t>() % kSources, action % 2 == 0);
    script.access(plic, plic.size());
  }
  devices::Plic other(kSources, 4, [](unsigned, bool, bool) {});
  devices::check_round_trip(plic, other);
  return 0;
}
