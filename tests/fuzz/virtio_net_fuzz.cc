#include "devices/virtio/net/net_device.h"
#include "tests/fuzz/virtio_device_fuzz.h"

namespace {

// A network that sends back what it gets, keeps what the guest has no room for, and takes headers or not.
class FuzzNetwork final : public devices::NetBackend {
 public:
  explicit FuzzNetwork(uint8_t kind)
      : completes_(kind % 4 == 0), largest_packet_(kind % 4 == 1 ? devices::kLargestPacket : 1500) {}

  void attach(devices::NetReceiver* receiver) noexcept override { receiver_ = receiver; }
  bool completes_frames() const noexcept override { return completes_; }
  size_t largest_packet() const noexcept override { return largest_packet_; }
  void set_receive_offloads(const devices::Offloads&) noexcept override {}
  uint16_t mtu() const noexcept override { return 1500; }
  void send(const devices::PacketHeader& header, std::span<const std::byte> frame) override {
    CHECK(completes_ || (header.flags == 0 && header.segmentation == 0));
    CHECK(frame.size() >= devices::kEthernetHeaderSize && frame.size() <= devices::kLargestFrame);
    if (receiver_ != nullptr && kept_.empty() && !receiver_->receive(header, frame))
      kept_.assign(frame.begin(), frame.end());
  }
  void receiver_ready() override {
    if (!kept_.empty() && receiver_->receive({}, kept_)) kept_.clear();
    receiver_->end_burst();
  }

 private:
  const bool completes_;
  const size_t largest_packet_;
  devices::NetReceiver* receiver_ = nullptr;
  std::vector<std::byte> kept_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t kind = size == 0 ? uint8_t{0} : data[size - 1];
  test::VirtioDeviceFuzz fuzz([kind](devices::EventLoop& loop) {
    return std::make_unique<devices::virtio::NetDevice>(loop, std::make_unique<FuzzNetwork>(kind),
                                                        devices::virtio::NetDevice::Options{});
  });
  fuzz.run({data, size});
  return 0;
}
