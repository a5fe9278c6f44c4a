#include "devices/virtio/console.h"
#include "tests/fuzz/virtio_device_fuzz.h"

namespace {

// A host that takes a part of the output, echoes it, and is connected now and then.
class FuzzBackend final : public devices::CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override {
    const size_t taken = std::min<size_t>(data.size(), ++calls_ % 3 == 0 ? 1 : 4096);
    if (device_ == nullptr) return taken;
    const size_t echoed = std::min(taken, device_->can_accept());
    if (echoed != 0) device_->receive(data.first(echoed));
    if (calls_ % 5 == 0) device_->connection_changed(connected());
    if (calls_ % 7 == 0) device_->window_changed(*window_size());
    return taken;
  }
  void input_ready() noexcept override { ++calls_; }
  void attach(devices::CharDevice* device) noexcept override { device_ = device; }
  bool connected() const noexcept override { return calls_ % 2 == 0; }
  std::optional<devices::WindowSize> window_size() const noexcept override {
    return devices::WindowSize{static_cast<uint16_t>(calls_), 25};
  }
  void make_room() {
    if (device_ != nullptr) device_->output_ready();
  }

 private:
  devices::CharDevice* device_ = nullptr;
  unsigned calls_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzBackend terminal;
  FuzzBackend agent;
  {
    test::VirtioDeviceFuzz fuzz([&](devices::EventLoop& loop) {
      return std::make_unique<devices::virtio::Console>(
          loop, std::vector<devices::virtio::Console::Port>{{&terminal, "", true}, {&agent, "agent", false}});
    });
    fuzz.run({data, size / 2});
    terminal.make_room();
    agent.make_room();
    fuzz.run({data + size / 2, size - size / 2});
  }
  return 0;
}
