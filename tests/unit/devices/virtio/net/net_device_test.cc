#include "devices/virtio/net/net_device.h"

#include <gmock/gmock.h>

#include "tests/support/frames.h"
#include "tests/support/virtio_guest.h"

namespace devices::virtio {
namespace {

using net::kControl;
using net::kReceive;
using net::kTransmit;
using test::Frame;
using test::FrameBuilder;
using test::Used;
using test::VirtioGuest;

constexpr size_t kHeader = sizeof(PacketHeader);

/// A network as a test sees it; kept when the device is made again. The loop's, but for a test that waits for the loop.
struct Network {
  bool completes_frames = false;
  size_t largest_packet = 1500;
  NetReceiver* receiver = nullptr;
  Offloads offloads;
  std::vector<std::pair<PacketHeader, Frame>> sent;
  unsigned ready = 0;
};

class TestBackend final : public NetBackend {
 public:
  explicit TestBackend(Network& network) : network_(network) {}
  void attach(NetReceiver* receiver) noexcept override { network_.receiver = receiver; }
  bool completes_frames() const noexcept override { return network_.completes_frames; }
  size_t largest_packet() const noexcept override { return network_.largest_packet; }
  void set_receive_offloads(const Offloads& offloads) noexcept override { network_.offloads = offloads; }
  uint16_t mtu() const noexcept override { return 1400; }
  void send(const PacketHeader& header, std::span<const std::byte> frame) override {
    network_.sent.emplace_back(header, Frame(frame.begin(), frame.end()));
  }
  void receiver_ready() override { ++network_.ready; }

 private:
  Network& network_;
};

constexpr uint64_t kEverything = ~uint64_t{0} & ~kFeaturePackedRing;

class NetTest : public testing::Test {
 protected:
  void start(uint64_t features = kEverything) {
    guest.emplace([this](EventLoop& loop) {
      NetDevice::Options options;
      std::ranges::copy(std::as_bytes(std::span(test::kGuestMac)), options.mac.begin());
      return std::make_unique<NetDevice>(loop, std::make_unique<TestBackend>(network), options);
    });
    guest->start(features & guest->device_features());
    guest->settle();
  }

  const NetDevice& device() { return static_cast<const NetDevice&>(guest->transport().device()); }
  NetDevice::Counters counters() {
    NetDevice::Counters out;
    guest->loop.run_and_wait([&] { out = device().counters(); });
    return out;
  }

  test::Request packet(const PacketHeader& header, const Frame& frame) {
    return guest->request().readable(test::bytes_of(header)).readable(frame);
  }
  void send(const PacketHeader& header, const Frame& frame) {
    EXPECT_EQ(guest->exchange(kTransmit, packet(header, frame)).written, 0u);
    guest->settle();
  }
  /// What the network gives the guest; whether it was taken.
  bool give(const Frame& frame, const PacketHeader& header = {}) {
    bool taken = false;
    guest->loop.run_and_wait([&] {
      taken = network.receiver->receive(header, frame);
      network.receiver->end_burst();
    });
    return taken;
  }
  test::Request offer_buffer(uint32_t size) {
    test::Request request = guest->request().writable(size);
    guest->submit(kReceive, request);
    return request;
  }
  static Frame frame(size_t size, const test::Mac& to = test::kGuestMac) {
    return FrameBuilder(to, test::kOtherMac, 0x0800).fill(size - 14).frame();
  }
  static PacketHeader header_in(const test::Request& request) {
    PacketHeader header;
    const auto bytes = request.written(kHeader);
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
  }
  static Frame frame_in(const test::Request& request, uint32_t written) {
    const auto bytes = request.written(written);
    return Frame(bytes.begin() + kHeader, bytes.end());
  }

  template <typename... Parts>
  net::Acknowledge command(uint8_t kind, uint8_t what, const Parts&... parts) {
    const uint8_t header[] = {kind, what};
    auto request = guest->request().readable(test::bytes_of(header));
    (request.readable(test::bytes_of(parts)), ...);
    request.writable(1);
    EXPECT_EQ(guest->exchange(kControl, request).written, 1u);
    return static_cast<net::Acknowledge>(request.written(1)[0]);
  }

  Network network;
  std::optional<VirtioGuest> guest;
};

class NetOf : public NetTest, public testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Rings, NetOf, testing::Values(kEverything, ~uint64_t{0}));

TEST_P(NetOf, SendsAFrame) {
  start(GetParam());
  send({}, frame(300));
  ASSERT_EQ(network.sent.size(), 1u);
  EXPECT_EQ(network.sent[0].second, frame(300));
  EXPECT_EQ(counters().sent, 1u);
}

TEST_P(NetOf, ReceivesAFrame) {
  start(GetParam());
  const test::Request buffer = offer_buffer(2000);
  ASSERT_TRUE(give(frame(300), {.flags = PacketHeader::kDataValid}));
  const Used used = guest->wait_used(kReceive);
  EXPECT_EQ(used.written, kHeader + 300);
  EXPECT_EQ(frame_in(buffer, used.written), frame(300));
  EXPECT_EQ(header_in(buffer).buffers, 1);
  EXPECT_EQ(header_in(buffer).flags, PacketHeader::kDataValid);
  EXPECT_TRUE(guest->wait_interrupt(1));
}

TEST_P(NetOf, SpreadsALargeFrameOverBuffersThatAppearTogether) {
  start(GetParam());
  std::vector<test::Request> buffers;
  for (int i = 0; i < 4; ++i) buffers.push_back(offer_buffer(1000));
  ASSERT_TRUE(give(frame(2500)));
  Frame whole;
  for (int i = 0; i < 3; ++i) {
    const Used used = guest->wait_used(kReceive);
    const auto piece = buffers[static_cast<size_t>(i)].written(used.written);
    whole.insert(whole.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(header_in(buffers[0]).buffers, 3);
  EXPECT_EQ(Frame(whole.begin() + kHeader, whole.end()), frame(2500));
  EXPECT_FALSE(guest->queue(kReceive).take_used().has_value());
}

TEST_F(NetTest, DescribesItself) {
  start();
  EXPECT_EQ(guest->read(VirtioGuest::kDeviceId), 1u);
  for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(guest->config<uint8_t>(i), test::kGuestMac[i]);
  EXPECT_EQ(guest->config<uint16_t>(6), 1);
  EXPECT_EQ(guest->config<uint16_t>(10), 1400);
}

TEST_F(NetTest, RefusesFeaturesWhoseRequirementIsMissing) {
  start();
  guest->reset();
  EXPECT_FALSE(guest->negotiate(net::kFeatureHostTso4));
  guest->reset();
  EXPECT_FALSE(guest->negotiate(net::kFeatureGuestTso6));
  guest->reset();
  EXPECT_FALSE(guest->negotiate(net::kFeatureControlMac));
  guest->reset();
  EXPECT_TRUE(guest->negotiate(net::kFeatureHostTso4 | net::kFeatureChecksum));
}

TEST_F(NetTest, SegmentsForABackendThatCannot) {
  start();
  const Frame large = FrameBuilder(test::kOtherMac, test::kGuestMac, 0x0800)
                          .ipv4(test::kGuestIp, test::kGatewayIp, 6, 20 + 30000)
                          .tcp(1, 16)
                          .fill(30000)
                          .frame();
  send(test::segmented(PacketHeader::kTcp4, 34, 1000), large);
  ASSERT_EQ(network.sent.size(), 30u);
  for (const auto& [header, piece] : network.sent) {
    EXPECT_EQ(header.flags, 0);
    EXPECT_EQ(piece.size(), 54u + 1000);
    EXPECT_EQ(test::transport_sum(piece, 26, 8, 6, 34), 0);
  }
}

TEST_F(NetTest, LeavesTheWorkToABackendThatDoesIt) {
  network.completes_frames = true;
  start();
  send(test::segmented(PacketHeader::kTcp4, 34, 1000), frame(20000));
  ASSERT_EQ(network.sent.size(), 1u);
  EXPECT_EQ(network.sent[0].first.segment_size, 1000);
  EXPECT_EQ(network.sent[0].second, frame(20000));
}

TEST_F(NetTest, DropsMalformedFramesAndGoesOn) {
  start();
  send({}, Frame(13));
  send(test::segmented(PacketHeader::kTcp4, 34, 1000), frame(2000));  // no TCP in it
  send(test::segmented(PacketHeader::kNone, 60000, 0), frame(100));   // a checksum outside the frame
  send(test::segmented(3, 34, 1000), frame(2000));                    // UFO was not offered
  EXPECT_EQ(guest->exchange(kTransmit, guest->request().readable(test::bytes_of(uint64_t{0}))).written, 0u);
  EXPECT_EQ(guest->exchange(kTransmit, guest->request().writable(100)).written, 0u);
  EXPECT_EQ(guest->exchange(kTransmit, packet({}, Frame(kLargestFrame + 1))).written, 0u);
  EXPECT_TRUE(network.sent.empty());
  EXPECT_EQ(counters().malformed, 7u);
  send({}, frame(60));
  EXPECT_EQ(network.sent.size(), 1u);
  EXPECT_FALSE(guest->needs_reset());
}

TEST_F(NetTest, DropsOffloadsThatWereNotNegotiated) {
  start(kFeatureVersion1);
  send(test::segmented(PacketHeader::kNone, 34, 0), frame(100));
  EXPECT_EQ(counters().malformed, 1u);
}

TEST_F(NetTest, TellsTheBackendWhatTheGuestCanDo) {
  start();
  EXPECT_EQ(network.offloads, (Offloads{true, true, true, true}));
  EXPECT_EQ(command(5, 0, uint64_t{net::kFeatureGuestChecksum}), net::Acknowledge::ok);
  EXPECT_EQ(network.offloads, (Offloads{.checksum = true}));
  EXPECT_EQ(command(5, 0, uint64_t{net::kFeatureGuestTso4}), net::Acknowledge::error);
  EXPECT_EQ(command(5, 0, uint64_t{net::kFeatureMac}), net::Acknowledge::error);
  guest->reset();
  EXPECT_EQ(network.offloads, Offloads{});
}

TEST_F(NetTest, LeavesFramesInTheNetworkWhileTheGuestHasNoBuffers) {
  start();
  EXPECT_FALSE(give(frame(300)));
  const unsigned before = network.ready;
  offer_buffer(200);
  guest->settle();
  EXPECT_GT(network.ready, before);
  EXPECT_FALSE(give(frame(300)));
  offer_buffer(200);
  guest->settle();
  EXPECT_TRUE(give(frame(300)));
  EXPECT_EQ(guest->wait_used(kReceive).written, 200u);
  EXPECT_EQ(guest->wait_used(kReceive).written, kHeader + 100);
}

TEST_F(NetTest, DropsWhatIsTooLargeForASingleBuffer) {
  start(kFeatureVersion1);
  offer_buffer(1526);
  EXPECT_TRUE(give(frame(1600)));
  EXPECT_EQ(counters().too_large, 1u);
  EXPECT_TRUE(give(frame(1500)));
  EXPECT_EQ(guest->wait_used(kReceive).written, kHeader + 1500);
}

TEST_F(NetTest, DropsWhatNoNumberOfBuffersWouldHold) {
  start();
  for (unsigned i = 0; i < guest->queue(kReceive).config().size; ++i) offer_buffer(1);
  guest->settle();
  EXPECT_TRUE(give(frame(300)));
  EXPECT_EQ(counters().too_large, 1u);
}

TEST_F(NetTest, DropsFramesWithoutADriver) {
  start();
  guest->reset();
  EXPECT_TRUE(give(frame(300)));
  EXPECT_EQ(counters().not_ready, 1u);
}

TEST_F(NetTest, ReceivesOnlyWhatTheDriverAsksFor) {
  start();
  offer_buffer(2000);
  EXPECT_EQ(command(0, 0, uint8_t{0}), net::Acknowledge::ok);  // not promiscuous
  EXPECT_TRUE(give(frame(100, test::kOtherMac)));
  EXPECT_EQ(counters().filtered, 1u);
  const uint32_t none = 0;
  const uint32_t one = 1;
  EXPECT_EQ(command(1, 0, one, test::kOtherMac, none), net::Acknowledge::ok);
  EXPECT_TRUE(give(frame(100, test::kOtherMac)));
  EXPECT_EQ(guest->wait_used(kReceive).written, kHeader + 100);
}

TEST_F(NetTest, ChangesItsAddress) {
  start();
  EXPECT_EQ(command(0, 0, uint8_t{0}), net::Acknowledge::ok);
  EXPECT_EQ(command(1, 1, test::kOtherMac), net::Acknowledge::ok);
  EXPECT_EQ(guest->config<uint8_t>(1), test::kOtherMac[1]);
  EXPECT_TRUE(give(frame(100)));
  EXPECT_EQ(counters().filtered, 1u);
  guest->reset();
  EXPECT_EQ(guest->config<uint8_t>(1), test::kGuestMac[1]);
}

TEST_F(NetTest, RefusesCommandsThatItDoesNotKnowOrThatAreTooShort) {
  start();
  EXPECT_EQ(command(9, 0), net::Acknowledge::error);
  EXPECT_EQ(command(0, 0), net::Acknowledge::error);
  EXPECT_EQ(command(0, 6, uint8_t{1}), net::Acknowledge::error);
  EXPECT_EQ(command(1, 0, uint32_t{0xffff'ffff}), net::Acknowledge::error);
  EXPECT_EQ(command(1, 0, uint32_t{0}), net::Acknowledge::error);
  EXPECT_EQ(command(1, 1, uint32_t{0}), net::Acknowledge::error);
  EXPECT_EQ(command(3, 1), net::Acknowledge::error);
  const auto empty = guest->request().writable(1);
  EXPECT_EQ(guest->exchange(kControl, empty).written, 1u);
  EXPECT_EQ(empty.written(1)[0], std::byte{1});
}

TEST_F(NetTest, AsksARestoredGuestToAnnounceItself) {
  start();
  EXPECT_EQ(command(0, 0, uint8_t{0}), net::Acknowledge::ok);
  const test::Request buffer = offer_buffer(200);
  guest->settle();
  EXPECT_FALSE(give(frame(300)));  // the buffer is with the device now
  guest->save_and_restore();
  EXPECT_TRUE(guest->wait_interrupt(2));
  EXPECT_EQ(guest->config<uint16_t>(6), net::kStatusLinkUp | net::kStatusAnnounce);
  EXPECT_EQ(command(3, 0), net::Acknowledge::ok);
  EXPECT_EQ(guest->config<uint16_t>(6), net::kStatusLinkUp);
  EXPECT_EQ(network.offloads, (Offloads{true, true, true, true}));
  EXPECT_TRUE(give(frame(100, test::kOtherMac)));  // still not promiscuous
  EXPECT_TRUE(give(frame(100)));
  EXPECT_EQ(guest->wait_used(kReceive).written, kHeader + 100);
  EXPECT_EQ(frame_in(buffer, kHeader + 100), frame(100));
}

TEST_F(NetTest, NeedsAResetAfterAMalformedQueueAndWorksThen) {
  start();
  guest->submit(kTransmit, guest->request().element({hv::GuestAddress{0x10}, 64, false}));
  EXPECT_TRUE(test::eventually([&] { return guest->needs_reset(); }));
  guest->reset();
  guest->start(kEverything & guest->device_features());
  send({}, frame(60));
  EXPECT_EQ(network.sent.size(), 1u);
}

TEST_F(NetTest, SendsMoreThanOneTurnOfFrames) {
  start();
  for (int i = 0; i < 100; ++i) guest->queue(kTransmit).submit(packet({}, frame(60)));
  guest->kick(kTransmit);
  for (int i = 0; i < 100; ++i) guest->wait_used(kTransmit);
  EXPECT_EQ(counters().sent, 100u);
}

}  // namespace
}  // namespace devices::virtio
