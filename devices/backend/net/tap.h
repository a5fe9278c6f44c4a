#pragma once

#include <memory>
#include <string>

#include "devices/backend/net/net_backend.h"
#include "hv/base/result.h"

namespace devices {

class EventLoop;

/// A TAP interface of the host: the guest is on whatever network that is part of. The kernel does checksums and
/// segmentation.
class Tap final : public NetBackend {
 public:
  /// The interface exists already. Errors say which command makes it, or lets this user have it.
  static hv::Result<std::unique_ptr<Tap>> create(EventLoop& loop, const std::string& interface);
  ~Tap() override;

  /// Frames that the interface did not take.
  uint64_t dropped() const noexcept;

  void attach(NetReceiver* receiver) noexcept override;
  bool completes_frames() const noexcept override { return true; }
  size_t largest_packet() const noexcept override { return kLargestPacket; }
  void set_receive_offloads(const Offloads& offloads) noexcept override;
  uint16_t mtu() const noexcept override;
  void send(const PacketHeader& header, std::span<const std::byte> frame) override;
  void receiver_ready() override;

 private:
  struct State;
  explicit Tap(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace devices
