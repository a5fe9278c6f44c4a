#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/backend/net/net_backend.h"
#include "devices/backend/net/software_offload.h"
#include "devices/virtio/net/net_format.h"
#include "devices/virtio/net/rx_filter.h"
#include "devices/virtio/virtio_device.h"

namespace devices::virtio {

/// A network card (VIRTIO 1.2 §5.1) on any NetBackend: one pair of queues and the control queue.
///
/// A frame that the guest sends is copied once, checked, and, where the backend cannot, completed in software:
/// checksums and segments. Frames for a guest that has given no buffers wait in the backend, as far as it keeps them.
/// What cannot be sent or received is dropped and counted, as hardware would.
class NetDevice final : public VirtioDevice, private NetReceiver {
 public:
  struct Options {
    std::string name = "net";
    net::MacAddress mac{};
    uint16_t queue_size = 256;
  };

  /// Frames, by what became of them.
  struct Counters {
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t malformed = 0;  ///< of the guest: too short, too long, or a header that does not fit the frame
    uint64_t filtered = 0;   ///< not for this guest
    uint64_t not_ready = 0;  ///< no driver
    uint64_t too_large = 0;  ///< for the guest's buffers
  };

  /// `backend` runs on `loop`, too.
  NetDevice(EventLoop& loop, std::unique_ptr<NetBackend> backend, const Options& options);
  ~NetDevice() override;

  /// On the loop, or while it stands still.
  const Counters& counters() const noexcept { return counters_; }

  bool accepts_features(uint64_t features) const noexcept override;

 private:
  void on_activate() override;
  void on_kick(unsigned queue) override;
  void on_reset() override;
  void save_state(hv::StateWriter& writer) const override;
  void load_state(hv::StateReader& reader) override;

  void transmit();
  void send(const DescriptorChain& chain);
  bool may_ask_for(const PacketHeader& header) const noexcept;

  bool receive(const PacketHeader& header, std::span<const std::byte> frame) override;
  void end_burst() override;
  enum class Room { enough, none_yet, never };
  Room make_room(size_t bytes);
  void fill_buffers(PacketHeader header, std::span<const std::byte> frame);

  void serve_control();
  net::Acknowledge control(const DescriptorChain& chain);
  bool set_rx_mode(uint8_t command, const DescriptorChain& chain);
  bool set_mac(uint8_t command, const DescriptorChain& chain);
  bool set_guest_offloads(uint8_t command, const DescriptorChain& chain);
  bool may_receive(uint64_t offloads) const noexcept;
  void use_receive_offloads(uint64_t offloads);

  std::unique_ptr<NetBackend> backend_;
  SoftwareOffload software_;
  net::RxFilter filter_;
  Counters counters_;
  hv::log::GuestError malformed_;
  uint64_t guest_offloads_ = 0;  ///< feature bits: what received frames may leave undone now

  std::vector<std::byte> outgoing_;        ///< the frame that is being sent
  std::vector<DescriptorChain> buffers_;   ///< of the receive queue, taken and not filled yet
  std::optional<Virtqueue::Batch> burst_;  ///< received and not shown to the guest yet
};

}  // namespace devices::virtio
