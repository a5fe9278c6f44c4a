#include "devices/backend/net/software_offload.h"

#include <algorithm>
#include <optional>

#include "devices/backend/net/checksum.h"
#include "devices/backend/net/net_backend.h"
#include "hv/base/endian.h"

namespace devices {
namespace {

constexpr uint16_t kTypeIpv4 = 0x0800;
constexpr uint16_t kTypeIpv6 = 0x86dd;
constexpr uint16_t kTypeVlan = 0x8100;         // IEEE 802.1Q
constexpr uint16_t kTypeServiceVlan = 0x88a8;  // IEEE 802.1ad

constexpr uint8_t kProtocolTcp = 6;

// RFC 791 §3.1
constexpr size_t kIpv4Size = 20;
constexpr size_t kIpv4Length = 2;
constexpr size_t kIpv4Id = 4;
constexpr size_t kIpv4Fragment = 6;
constexpr size_t kIpv4Protocol = 9;
constexpr size_t kIpv4Checksum = 10;
constexpr size_t kIpv4Addresses = 12;
// RFC 8200 §3
constexpr size_t kIpv6Size = 40;
constexpr size_t kIpv6Length = 4;
constexpr size_t kIpv6Addresses = 8;
// RFC 9293 §3.1
constexpr size_t kTcpSize = 20;
constexpr size_t kTcpSequence = 4;
constexpr size_t kTcpDataOffset = 12;
constexpr size_t kTcpFlags = 13;
constexpr size_t kTcpChecksum = 16;
constexpr uint8_t kFin = 0x01;
constexpr uint8_t kPush = 0x08;
constexpr uint8_t kCwr = 0x80;

// Linux's smallest MSS: less would make one frame of a guest more frames than are worth their time.
constexpr size_t kSmallestSegment = 48;

uint8_t octet(std::span<const std::byte> bytes, size_t at) { return std::to_integer<uint8_t>(bytes[at]); }

// RFC 1624 §3: a sum of zero and one of 0xffff are the same, and in UDP zero stands for no checksum.
uint16_t nonzero(uint16_t checksum) { return checksum == 0 ? uint16_t{0xffff} : checksum; }

/// Where the IP header is and of which kind, past up to two VLAN tags.
struct Network {
  size_t offset;
  uint16_t type;
};
std::optional<Network> network_of(std::span<const std::byte> frame) {
  size_t at = kEthernetHeaderSize - 2;
  for (int tags = 0; at + 2 <= frame.size(); ++tags, at += kVlanTagSize) {
    const auto type = hv::load_be<uint16_t>(&frame[at]);
    if (tags < 2 && (type == kTypeVlan || type == kTypeServiceVlan)) continue;
    return Network{at + 2, type};
  }
  return std::nullopt;
}

}  // namespace

/// A TCP packet whose headers lie within its frame.
struct SoftwareOffload::Tcp {
  bool ipv6;
  size_t network;    ///< offset of the IP header
  size_t transport;  ///< offset of the TCP header
  size_t payload;    ///< offset of the data

  static std::optional<Tcp> find(const PacketHeader& header, std::span<const std::byte> frame) {
    const std::optional<Network> network = network_of(frame);
    if (!network) return std::nullopt;
    const size_t ip = network->offset;
    const size_t transport = header.checksum_start;
    if (transport < ip || transport + kTcpSize > frame.size()) return std::nullopt;
    const bool ipv6 = header.segmentation_kind() == PacketHeader::kTcp6;
    if (network->type != (ipv6 ? kTypeIpv6 : kTypeIpv4)) return std::nullopt;
    if (transport - ip < (ipv6 ? kIpv6Size : kIpv4Size)) return std::nullopt;
    if (!ipv6) {
      const bool whole = (hv::load_be<uint16_t>(&frame[ip + kIpv4Fragment]) & 0x3fff) == 0;
      const size_t length = (octet(frame, ip) & 0xfu) * 4u;
      if (length != transport - ip || !whole || octet(frame, ip + kIpv4Protocol) != kProtocolTcp) return std::nullopt;
    }
    const size_t payload = transport + (octet(frame, transport + kTcpDataOffset) >> 4) * size_t{4};
    if (payload < transport + kTcpSize || payload > frame.size()) return std::nullopt;
    return Tcp{ipv6, ip, transport, payload};
  }

  size_t packet_size(std::span<const std::byte> frame) const { return frame.size() - network; }

  /// Makes lengths and checksums those of the packet that `frame` has.
  void complete(std::span<std::byte> frame) const {
    const std::span<std::byte> ip = frame.subspan(network);
    if (ipv6) {
      hv::store_be(&ip[kIpv6Length], static_cast<uint16_t>(ip.size() - kIpv6Size));
    } else {
      hv::store_be(&ip[kIpv4Length], static_cast<uint16_t>(ip.size()));
      hv::store_le(&ip[kIpv4Checksum], uint16_t{0});
      Checksum checksum;
      checksum.add(ip.first(transport - network));
      hv::store_le(&ip[kIpv4Checksum], checksum.value());
    }
    const std::span<std::byte> tcp = frame.subspan(transport);
    hv::store_le(&tcp[kTcpChecksum], uint16_t{0});
    // The pseudo-header: RFC 9293 §3.1, RFC 8200 §8.1
    Checksum checksum;
    checksum.add(ipv6 ? ip.subspan(kIpv6Addresses, 32) : ip.subspan(kIpv4Addresses, 8));
    checksum.add_field(kProtocolTcp);
    checksum.add_field(static_cast<uint16_t>(tcp.size()));
    checksum.add(tcp);
    hv::store_le(&tcp[kTcpChecksum], nonzero(checksum.value()));
  }
};

bool SoftwareOffload::finish(const PacketHeader& header, std::span<std::byte> frame, size_t largest_packet,
                             const Output& out) {
  const bool needs_checksum = (header.flags & PacketHeader::kNeedsChecksum) != 0;
  const uint8_t kind = header.segmentation_kind();
  if (kind == PacketHeader::kNone) {
    if (needs_checksum && !store_checksum(header, frame)) return false;
    out(frame);
    return true;
  }
  // VIRTIO 1.2 §5.1.6.2.1: segmentation needs the checksum too.
  if ((kind != PacketHeader::kTcp4 && kind != PacketHeader::kTcp6) || !needs_checksum) return false;
  const std::optional<Tcp> tcp = Tcp::find(header, frame);
  if (!tcp) return false;
  if (tcp->packet_size(frame) <= std::min(largest_packet, kLargestPacket)) {
    tcp->complete(frame);
    out(frame);
    return true;
  }
  const size_t segment_packet = tcp->payload - tcp->network + header.segment_size;
  if (header.segment_size < kSmallestSegment || segment_packet > largest_packet) return false;
  segment(*tcp, frame, header.segment_size, out);
  return true;
}

// VIRTIO 1.2 §5.1.6.2: the field has the sum of the pseudo-header already.
bool SoftwareOffload::store_checksum(const PacketHeader& header, std::span<std::byte> frame) noexcept {
  const size_t start = header.checksum_start;
  const size_t field = start + header.checksum_offset;
  if (start >= frame.size() || field + 2 > frame.size()) return false;
  Checksum checksum;
  checksum.add(frame.subspan(start));
  hv::store_le(&frame[field], nonzero(checksum.value()));
  return true;
}

void SoftwareOffload::segment(const Tcp& tcp, std::span<const std::byte> frame, size_t segment_size,
                              const Output& out) {
  const std::span<const std::byte> headers = frame.first(tcp.payload);
  const std::span<const std::byte> payload = frame.subspan(tcp.payload);
  const auto sequence = hv::load_be<uint32_t>(&headers[tcp.transport + kTcpSequence]);
  const uint8_t flags = octet(headers, tcp.transport + kTcpFlags);
  uint16_t id = tcp.ipv6 ? uint16_t{0} : hv::load_be<uint16_t>(&headers[tcp.network + kIpv4Id]);
  for (size_t done = 0; done < payload.size(); done += segment_size, ++id) {
    const auto piece = payload.subspan(done, std::min(segment_size, payload.size() - done));
    buffer_.assign(headers.begin(), headers.end());
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    hv::store_be(&buffer_[tcp.transport + kTcpSequence], static_cast<uint32_t>(sequence + done));
    uint8_t left_out = 0;
    if (done != 0) left_out |= kCwr;  // RFC 3168 §6.1.2: once
    if (done + piece.size() != payload.size()) left_out |= kFin | kPush;
    buffer_[tcp.transport + kTcpFlags] = static_cast<std::byte>(flags & ~left_out);
    if (!tcp.ipv6) hv::store_be(&buffer_[tcp.network + kIpv4Id], id);
    tcp.complete(buffer_);
    out(buffer_);
  }
}

}  // namespace devices
