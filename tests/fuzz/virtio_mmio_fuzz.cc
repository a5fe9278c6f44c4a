// The transport alone: a device with queues of several sizes and a writable field that keeps every second buffer.

#include "devices/virtio/mmio_transport.h"
#include "tests/fuzz/virtio_device_fuzz.h"

namespace {

class KeepingDevice final : public devices::virtio::VirtioDevice {
 public:
  explicit KeepingDevice(devices::EventLoop& loop)
      : VirtioDevice(loop, {.name = "fuzz",
                            .device_id = 1,
                            .features = 3,
                            .queue_sizes = {4, 64, 1},
                            .config_size = 20,
                            .writable_config = {{0, 8}, {12, 8}}}) {}

  bool accepts_features(uint64_t features) const noexcept override { return (features & 3) != 2; }
  void on_kick(unsigned queue) override {
    while (auto chain = pop(queue)) {
      if (++count_ % 2 != 0) kept_.push_back(std::move(*chain));
    }
    if (count_ % 5 == 0) kept_.clear();
  }
  void on_reset() override { kept_.clear(); }
  void on_config_write(uint64_t offset, std::span<const std::byte> data) override {
    CHECK(offset + data.size() <= 20);
    set_config(8, count_);
    notify_config_changed();
  }

 private:
  uint32_t count_ = 0;
  std::vector<devices::virtio::DescriptorChain> kept_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::VirtioDeviceFuzz fuzz([](devices::EventLoop& loop) { return std::make_unique<KeepingDevice>(loop); });
  fuzz.run({data, size});
  return 0;
}
