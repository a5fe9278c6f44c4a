#include "devices/backend/net/software_offload.h"

#include <gmock/gmock.h>

#include "tests/support/frames.h"

namespace devices {
namespace {

using test::field16;
using test::field32;
using test::Frame;
using test::FrameBuilder;
using test::segmented;

constexpr uint8_t kTcp = 6;
constexpr uint8_t kFin = 1;
constexpr uint8_t kPush = 8;
constexpr uint8_t kAck = 16;
constexpr uint8_t kCwr = 128;

// Offsets in a frame of IPv4 without options.
constexpr size_t kIp = 14;
constexpr size_t kTcp4 = kIp + 20;
constexpr size_t kData4 = kTcp4 + 20;
constexpr size_t kTcp6 = kIp + 40;

class SoftwareOffloadTest : public testing::Test {
 protected:
  bool finish(const PacketHeader& header, Frame frame, size_t largest = 1500) {
    out.clear();
    return offload.finish(header, frame, largest,
                          [this](std::span<const std::byte> piece) { out.emplace_back(piece.begin(), piece.end()); });
  }

  static Frame tcp4(size_t payload, uint8_t flags = kAck) {
    return FrameBuilder(test::kOtherMac, test::kGuestMac, 0x0800)
        .ipv4(test::kGuestIp, test::kGatewayIp, kTcp, 20 + payload, 0xfffe)
        .tcp(0xffff'ff00, flags)
        .fill(payload)
        .frame();
  }
  static Frame tcp6(size_t payload) {
    return FrameBuilder(test::kOtherMac, test::kGuestMac, 0x86dd)
        .u32(0x6000'0000)
        .u16(static_cast<unsigned>(20 + payload))
        .u8(kTcp)
        .u8(64)
        .fill(32)
        .tcp(1000, kAck)
        .fill(payload)
        .frame();
  }
  static void expect_right(const Frame& frame) {
    EXPECT_EQ(field16(frame, kIp + 2), frame.size() - kIp);
    Checksum ip;
    ip.add(std::span(frame).subspan(kIp, 20));
    EXPECT_EQ(ip.value(), 0);
    EXPECT_EQ(test::transport_sum(frame, kIp + 12, 8, kTcp, kTcp4), 0);
  }

  SoftwareOffload offload;
  std::vector<Frame> out;
};

TEST_F(SoftwareOffloadTest, LeavesACompleteFrameAlone) {
  const Frame frame = tcp4(100);
  ASSERT_TRUE(finish({}, frame));
  EXPECT_THAT(out, testing::ElementsAre(frame));
}

TEST_F(SoftwareOffloadTest, CompletesAChecksum) {
  Frame frame = tcp4(101);
  Checksum pseudo;
  pseudo.add(std::span(frame).subspan(kIp + 12, 8));
  pseudo.add_field(kTcp);
  pseudo.add_field(20 + 101);
  hv::store_le(&frame[kTcp4 + 16], static_cast<uint16_t>(~pseudo.value()));
  ASSERT_TRUE(finish(segmented(PacketHeader::kNone, kTcp4, 0), frame));
  ASSERT_EQ(out.size(), 1u);
  expect_right(out[0]);
}

TEST_F(SoftwareOffloadTest, CutsTcpIntoSegments) {
  const Frame whole = tcp4(3000, kAck | kPush | kFin | kCwr);
  ASSERT_TRUE(finish(segmented(PacketHeader::kTcp4 | PacketHeader::kEcn, kTcp4, 1400), whole));
  ASSERT_EQ(out.size(), 3u);
  Frame payload;
  for (size_t i = 0; i < out.size(); ++i) {
    expect_right(out[i]);
    EXPECT_EQ(field32(out[i], kTcp4 + 4), static_cast<uint32_t>(0xffff'ff00 + 1400 * i));
    EXPECT_EQ(field16(out[i], kIp + 4), static_cast<uint16_t>(0xfffe + i));
    payload.insert(payload.end(), out[i].begin() + kData4, out[i].end());
  }
  EXPECT_EQ(payload, Frame(whole.begin() + kData4, whole.end()));
  EXPECT_EQ(out[0][kTcp4 + 13], std::byte{kAck | kCwr});
  EXPECT_EQ(out[1][kTcp4 + 13], std::byte{kAck});
  EXPECT_EQ(out[2][kTcp4 + 13], std::byte{kAck | kPush | kFin});
}

TEST_F(SoftwareOffloadTest, CutsTcpOverIpv6) {
  ASSERT_TRUE(finish(segmented(PacketHeader::kTcp6, kTcp6, 1000), tcp6(1500)));
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(field16(out[0], kIp + 4), 20 + 1000);
  EXPECT_EQ(field16(out[1], kIp + 4), 20 + 500);
  EXPECT_EQ(field32(out[1], kTcp6 + 4), 2000u);
  for (const Frame& frame : out) EXPECT_EQ(test::transport_sum(frame, kIp + 8, 32, kTcp, kTcp6), 0);
}

TEST_F(SoftwareOffloadTest, FindsHeadersBehindAVlanTag) {
  Frame frame = tcp4(2000);
  const Frame tag = {std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{7}};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  ASSERT_TRUE(finish(segmented(PacketHeader::kTcp4, kTcp4 + 4, 1000), frame));
  ASSERT_EQ(out.size(), 2u);
  out[1].erase(out[1].begin() + 12, out[1].begin() + 16);
  expect_right(out[1]);
}

TEST_F(SoftwareOffloadTest, KeepsWholeWhatTheBackendTakesWhole) {
  ASSERT_TRUE(finish(segmented(PacketHeader::kTcp4, kTcp4, 1400), tcp4(60000), 65535));
  ASSERT_EQ(out.size(), 1u);
  expect_right(out[0]);
}

TEST_F(SoftwareOffloadTest, RefusesHeadersThatDoNotFitTheFrame) {
  const Frame frame = tcp4(3000);
  const auto refuses = [&](PacketHeader header, const Frame& from) { return !finish(header, from) && out.empty(); };
  EXPECT_TRUE(refuses(segmented(PacketHeader::kNone, 5000, 0), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kNone, static_cast<uint16_t>(frame.size() - 1), 0), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4, 0), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4, 47), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4, 1461), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4 + 1, 1000), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp6, kTcp4, 1000), frame));
  EXPECT_TRUE(refuses(segmented(3, kTcp4, 1000), frame));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4, 1000), Frame(frame.begin(), frame.begin() + 40)));
  EXPECT_TRUE(refuses(segmented(PacketHeader::kTcp4, kTcp4, 1000), Frame(frame.begin(), frame.begin() + 13)));
  PacketHeader without_checksum = segmented(PacketHeader::kTcp4, kTcp4, 1000);
  without_checksum.flags = 0;
  EXPECT_TRUE(refuses(without_checksum, frame));
}

TEST_F(SoftwareOffloadTest, RefusesPacketsThatAreNoTcp) {
  const auto with = [](size_t at, int value) {
    Frame frame = tcp4(3000);
    frame[at] = static_cast<std::byte>(value);
    return frame;
  };
  const PacketHeader header = segmented(PacketHeader::kTcp4, kTcp4, 1000);
  EXPECT_FALSE(finish(header, with(kIp, 0x46)));         // options that are not there
  EXPECT_FALSE(finish(header, with(kIp + 6, 0x20)));     // a fragment
  EXPECT_FALSE(finish(header, with(kIp + 9, 17)));       // UDP
  EXPECT_FALSE(finish(header, with(kTcp4 + 12, 0x40)));  // a header of 16 bytes
  EXPECT_TRUE(finish(header, with(kTcp4 + 12, 0xf0)));   // the longest
  EXPECT_FALSE(finish(header, Frame(FrameBuilder(test::kOtherMac, test::kGuestMac, 0x8100).fill(3000).frame())));
}

}  // namespace
}  // namespace devices
