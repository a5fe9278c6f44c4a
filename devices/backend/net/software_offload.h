#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "devices/backend/net/packet_header.h"

namespace devices {

/// Does in software what the header of a guest's frame asks for: checksums, and the segmentation of TCP over IPv4 and
/// IPv6. Frames and headers are not trusted.
class SoftwareOffload {
 public:
  using Output = std::function<void(std::span<const std::byte> frame)>;

  /// Calls `out` with complete frames. A packet to be segmented that is no larger than `largest_packet` stays one, and
  /// `frame` is then changed. False, and no call: the header does not fit the frame.
  bool finish(const PacketHeader& header, std::span<std::byte> frame, size_t largest_packet, const Output& out);

 private:
  struct Tcp;

  static bool store_checksum(const PacketHeader& header, std::span<std::byte> frame) noexcept;
  void segment(const Tcp& tcp, std::span<const std::byte> frame, size_t segment_size, const Output& out);

  std::vector<std::byte> buffer_;
};

}  // namespace devices
