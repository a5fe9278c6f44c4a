#include "devices/uart/pl011.h"
#include "tests/fuzz/uart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::fuzz_uart<devices::Pl011>({data, size}, devices::Pl011::kSize);
  return 0;
}
