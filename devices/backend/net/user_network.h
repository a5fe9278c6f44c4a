#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "devices/backend/net/net_backend.h"
#include "hv/base/result.h"

namespace devices {

class EventLoop;

/// A network of the guest's own, which needs no rights: libslirp speaks TCP/IP with the guest and has a socket of the
/// host for each of its connections.
///
/// The network is 10.0.2.0/24: the host (and the way out) is 10.0.2.2, a name server 10.0.2.3, the guest 10.0.2.15,
/// which DHCP also says. Nothing outside reaches the guest but through a forwarded port.
/// IPv4 only. Connections are the host's and do not outlast it: a guest that is restored elsewhere finds them reset.
class UserNetwork final : public NetBackend {
 public:
  enum class Protocol { tcp, udp };

  /// A port of the host that leads to the guest.
  struct Forward {
    Protocol protocol = Protocol::tcp;
    std::string host_address = "127.0.0.1";  ///< a numeric IPv4 address
    uint16_t host_port = 0;                  ///< 0: the host chooses one
    uint16_t guest_port = 0;
  };

  struct Options {
    std::string name = "user network";  ///< for messages
    uint16_t mtu = 1500;                ///< bytes, 576 to 65520
    bool isolated = false;              ///< the guest reaches nothing; forwarded TCP ports still reach it
  };

  /// Error: no file descriptor left.
  static hv::Result<std::unique_ptr<UserNetwork>> create(EventLoop& loop, const Options& options);
  ~UserNetwork() override;

  /// Opens a host port; returns the port. Error: it is in use, not allowed, or the address is none of this host's.
  hv::Result<uint16_t> forward(const Forward& forward);

  /// Frames that were lost because the guest did not take them.
  uint64_t dropped() const noexcept;

  void attach(NetReceiver* receiver) noexcept override;
  bool completes_frames() const noexcept override { return false; }
  size_t largest_packet() const noexcept override { return kLargestPacket; }
  void set_receive_offloads(const Offloads&) noexcept override {}
  uint16_t mtu() const noexcept override;
  void send(const PacketHeader& header, std::span<const std::byte> frame) override;
  void receiver_ready() override;

 private:
  struct State;
  explicit UserNetwork(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace devices
