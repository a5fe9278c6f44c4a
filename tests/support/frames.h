#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "devices/backend/net/checksum.h"
#include "devices/backend/net/packet_header.h"
#include "hv/base/endian.h"

namespace test {

using Frame = std::vector<std::byte>;
using Mac = std::array<uint8_t, 6>;

inline constexpr Mac kGuestMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
inline constexpr Mac kOtherMac = {0x52, 0x55, 0x0a, 0x00, 0x02, 0x02};
inline constexpr Mac kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline constexpr uint32_t kGuestIp = 0x0a00'020f;    // 10.0.2.15
inline constexpr uint32_t kGatewayIp = 0x0a00'0202;  // 10.0.2.2

/// A frame that is put together field by field, big-endian as networks have it.
class FrameBuilder {
 public:
  FrameBuilder(const Mac& to, const Mac& from, uint16_t type) { mac(to).mac(from).u16(type); }

  FrameBuilder& mac(const Mac& address) { return raw(std::as_bytes(std::span(address))); }
  FrameBuilder& u8(unsigned value) {
    frame_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  FrameBuilder& u16(unsigned value) { return u8(value >> 8).u8(value & 0xff); }
  FrameBuilder& u32(uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
  FrameBuilder& raw(std::span<const std::byte> bytes) {
    frame_.insert(frame_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  FrameBuilder& fill(size_t count) {
    for (size_t i = 0; i < count; ++i) u8(static_cast<unsigned>(i * 7 + i / 251));
    return *this;
  }

  /// RFC 791, with its checksum; `payload` bytes follow.
  FrameBuilder& ipv4(uint32_t from, uint32_t to, uint8_t protocol, size_t payload, uint16_t id = 0x1234) {
    const size_t start = frame_.size();
    u16(0x4500).u16(static_cast<unsigned>(20 + payload)).u16(id).u16(0x4000).u8(64).u8(protocol).u16(0);
    u32(from).u32(to);
    devices::Checksum checksum;
    checksum.add(std::span(frame_).subspan(start));
    hv::store_le(&frame_[start + 10], checksum.value());
    return *this;
  }
  FrameBuilder& tcp(uint32_t sequence, uint8_t flags) {
    return u16(40000).u16(80).u32(sequence).u32(0x55aa'55aa).u8(5 << 4).u8(flags).u16(0x7fff).u16(0).u16(0);
  }

  const Frame& frame() const { return frame_; }

 private:
  Frame frame_;
};

inline uint16_t field16(const Frame& frame, size_t at) { return hv::load_be<uint16_t>(&frame[at]); }
inline uint32_t field32(const Frame& frame, size_t at) { return hv::load_be<uint32_t>(&frame[at]); }

/// What the checksum over a TCP or UDP packet at `transport`, and its pseudo-header, comes to: 0 where it is right.
inline uint16_t transport_sum(const Frame& frame, size_t addresses, size_t address_bytes, uint8_t protocol,
                              size_t transport) {
  devices::Checksum checksum;
  checksum.add(std::span(frame).subspan(addresses, address_bytes));
  checksum.add_field(protocol);
  checksum.add_field(static_cast<uint16_t>(frame.size() - transport));
  checksum.add(std::span(frame).subspan(transport));
  return checksum.value();
}

inline devices::PacketHeader segmented(uint8_t kind, uint16_t checksum_start, uint16_t segment_size) {
  return {.flags = devices::PacketHeader::kNeedsChecksum,
          .segmentation = kind,
          .segment_size = segment_size,
          .checksum_start = checksum_start,
          .checksum_offset = 16};
}

}  // namespace test
