#pragma once

#include <cstdint>

namespace devices {

/// What the sender of a frame left undone, in the layout of VIRTIO 1.2 §5.1.6, which TAP interfaces of Linux speak as
/// well. All zeros: nothing.
struct PacketHeader {
  // Flags.
  static constexpr uint8_t kNeedsChecksum = 1;  ///< from checksum_start on, to be stored checksum_offset after it
  static constexpr uint8_t kDataValid = 2;      ///< the checksums are known to be right

  // Kinds of segmentation.
  static constexpr uint8_t kNone = 0;
  static constexpr uint8_t kTcp4 = 1;
  static constexpr uint8_t kTcp6 = 4;
  static constexpr uint8_t kEcn = 0x80;  ///< beside one of them: CWR belongs to the first segment alone

  uint8_t flags = 0;
  uint8_t segmentation = kNone;
  uint16_t header_length = 0;  ///< a hint
  uint16_t segment_size = 0;   ///< bytes of TCP payload in each segment
  uint16_t checksum_start = 0;
  uint16_t checksum_offset = 0;
  uint16_t buffers = 0;  ///< of the guest that the frame fills

  uint8_t segmentation_kind() const noexcept { return static_cast<uint8_t>(segmentation & ~kEcn); }
};
static_assert(sizeof(PacketHeader) == 12);

/// What may be left undone in the frames of one direction. All but `checksum` need `checksum`.
struct Offloads {
  bool checksum = false;
  bool tcp4 = false;
  bool tcp6 = false;
  bool ecn = false;
  friend bool operator==(const Offloads&, const Offloads&) = default;
};

}  // namespace devices
