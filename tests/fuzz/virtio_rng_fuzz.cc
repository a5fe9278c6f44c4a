#include "devices/virtio/rng.h"
#include "tests/fuzz/virtio_device_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::VirtioDeviceFuzz fuzz([](devices::EventLoop& loop) { return std::make_unique<devices::virtio::Rng>(loop); });
  fuzz.run({data, size});
  return 0;
}
