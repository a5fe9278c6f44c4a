#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/backend/net/packet_header.h"

namespace devices {

inline constexpr size_t kEthernetHeaderSize = 14;
inline constexpr size_t kVlanTagSize = 4;
inline constexpr size_t kLargestPacket = 65535;  ///< of IP: bytes
inline constexpr size_t kLargestFrame = kEthernetHeaderSize + 2 * kVlanTagSize + kLargestPacket;

/// The network card at the other end of a NetBackend. Called on the backend's loop.
class NetReceiver {
 public:
  /// Takes a frame, which may also be lost as in a network. False: the guest has no room for it now; the backend keeps
  /// the frame, or drops it, until it hears `receiver_ready`.
  virtual bool receive(const PacketHeader& header, std::span<const std::byte> frame) = 0;
  /// What was received since the last time is shown to the guest, which is interrupted once.
  virtual void end_burst() = 0;

 protected:
  ~NetReceiver() = default;
};

/// What a network card is plugged into. It belongs to one event loop: made and destroyed while that stands still,
/// everything else on the loop.
class NetBackend {
 public:
  virtual ~NetBackend() = default;

  /// Frames go to `receiver` from now on; nullptr: to nobody.
  virtual void attach(NetReceiver* receiver) noexcept = 0;

  /// Whether `send` does what a frame's header asks for. Otherwise it is given frames that are complete.
  virtual bool completes_frames() const noexcept = 0;
  /// The largest IP packet that it takes in one frame, where it does not complete frames. Bytes.
  virtual size_t largest_packet() const noexcept = 0;
  /// What the guest's card offers to do to the frames that it is given.
  virtual void set_receive_offloads(const Offloads& offloads) noexcept = 0;
  /// The largest IP packet that the network carries. Bytes.
  virtual uint16_t mtu() const noexcept = 0;

  /// Sends a frame of up to kLargestFrame bytes, or loses it.
  virtual void send(const PacketHeader& header, std::span<const std::byte> frame) = 0;
  /// The receiver has room again.
  virtual void receiver_ready() = 0;
};

}  // namespace devices
