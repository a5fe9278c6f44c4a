#include "tests/fuzz/virtqueue_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::VirtqueueFuzz(0).run({data, size});
  return 0;
}
