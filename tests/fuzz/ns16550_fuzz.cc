#include "devices/uart/ns16550.h"
#include "tests/fuzz/uart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  devices::fuzz_uart<devices::Ns16550>({data, size}, devices::Ns16550::register_range(0));
  return 0;
}
