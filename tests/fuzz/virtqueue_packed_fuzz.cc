#include "tests/fuzz/virtqueue_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::VirtqueueFuzz(devices::virtio::kFeaturePackedRing).run({data, size});
  return 0;
}
