#include "devices/backend/net/user_network.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "devices/event_loop.h"
#include "hv/base/unique_fd.h"
#include "tests/support/frames.h"
#include "tests/support/virtio_guest.h"

namespace devices {
namespace {

using test::field16;
using test::field32;
using test::Frame;
using test::FrameBuilder;

constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint8_t kUdp = 17;
constexpr size_t kUdpHeader = 34;
constexpr size_t kUdpData = 42;

/// A socket of the host at 127.0.0.1.
class HostSocket {
 public:
  explicit HostSocket(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(::bind(fd_.get(), generic(address_), sizeof address_), 0);
    socklen_t size = sizeof address_;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address_), &size);
  }
  uint16_t port() const { return ntohs(address_.sin_port); }
  int fd() const { return fd_.get(); }

  void send_to(uint16_t port, std::string_view text) {
    sockaddr_in to = loopback();
    to.sin_port = htons(port);
    EXPECT_EQ(::sendto(fd_.get(), text.data(), text.size(), 0, generic(to), sizeof to), text.size());
  }
  std::string receive() {
    char text[100];
    ssize_t got = -1;
    test::eventually([&] { return (got = ::recv(fd_.get(), text, sizeof text, MSG_DONTWAIT)) >= 0; });
    return {text, static_cast<size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  static sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

  sockaddr_in address_ = loopback();
  hv::UniqueFd fd_;
};

/// A guest that speaks in frames; the network is on a running loop.
class UserNetworkTest : public testing::Test, protected NetReceiver {
 protected:
  explicit UserNetworkTest(const UserNetwork::Options& options = {}) {
    network = std::move(UserNetwork::create(loop, options).value());
    network->attach(this);
    loop.start();
  }
  // Not in the destructor: the loop may call the receiver up to here.
  void TearDown() override { loop.stop(); }

  bool receive(const PacketHeader& header, std::span<const std::byte> frame) override {
    const std::lock_guard lock(mutex);
    if (!ready) return false;
    headers.push_back(header);
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  void end_burst() override {}

  void send(const Frame& frame) {
    loop.run_and_wait([&] { network->send({}, frame); });
  }
  hv::Result<uint16_t> forward(const UserNetwork::Forward& what) {
    hv::Result<uint16_t> port;
    loop.run_and_wait([&] { port = network->forward(what); });
    return port;
  }

  /// The first frame of a kind that came, which is then taken away.
  Frame wait_for(uint16_t type) {
    std::optional<Frame> found;
    test::eventually([&] {
      const std::lock_guard lock(mutex);
      const auto frame = std::ranges::find_if(frames, [&](const Frame& f) { return field16(f, 12) == type; });
      if (frame == frames.end()) return false;
      found = *frame;
      frames.erase(frame);
      return true;
    });
    EXPECT_TRUE(found.has_value());
    return found.value_or(Frame(100));
  }

  /// RFC 826
  static Frame arp(uint16_t operation, const test::Mac& target, uint32_t target_ip) {
    return FrameBuilder(operation == 1 ? test::kBroadcastMac : target, test::kGuestMac, kArp)
        .u16(1)
        .u16(kIpv4)
        .u16(0x0604)
        .u16(operation)
        .mac(test::kGuestMac)
        .u32(test::kGuestIp)
        .mac(target)
        .u32(target_ip)
        .frame();
  }
  void introduce_guest() {
    send(arp(1, {}, test::kGatewayIp));
    gateway = wait_for(kArp);
  }
  static Frame udp(uint16_t from, uint16_t to, std::string_view text) {
    Frame frame = FrameBuilder(test::kOtherMac, test::kGuestMac, kIpv4)
                      .ipv4(test::kGuestIp, test::kGatewayIp, kUdp, 8 + text.size())
                      .u16(from)
                      .u16(to)
                      .u16(static_cast<unsigned>(8 + text.size()))
                      .u16(0)
                      .raw(test::bytes_of_text(text))
                      .frame();
    hv::store_le(&frame[kUdpHeader + 6], test::transport_sum(frame, 26, 8, kUdp, kUdpHeader));
    return frame;
  }
  void expect_connections_to_reach_the_guest() {
    const auto port = forward({.guest_port = 80});
    ASSERT_TRUE(port.has_value());
    const hv::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(*port);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const Frame syn = wait_for(kIpv4);
    EXPECT_EQ(field32(syn, 30), test::kGuestIp);
    EXPECT_EQ(field16(syn, kUdpHeader + 2), 80);
    EXPECT_EQ(syn[kUdpHeader + 13], std::byte{2});
  }
  static std::string text_of(const Frame& frame) { return test::text_of(std::span(frame).subspan(kUdpData)); }

  EventLoop loop{"net-test"};
  std::unique_ptr<UserNetwork> network;
  Frame gateway;
  std::mutex mutex;
  bool ready = true;
  std::vector<Frame> frames;
  std::vector<PacketHeader> headers;
};

TEST_F(UserNetworkTest, AnswersForItsGateway) {
  introduce_guest();
  EXPECT_EQ(field16(gateway, 20), 2);
  EXPECT_EQ(field32(gateway, 28), test::kGatewayIp);
}

TEST_F(UserNetworkTest, TakesDatagramsToTheHostAndBack) {
  introduce_guest();
  HostSocket server(SOCK_DGRAM);
  send(udp(5000, server.port(), "to the host"));
  char text[100];
  sockaddr_in from{};
  socklen_t size = sizeof from;
  const ssize_t got = ::recvfrom(server.fd(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &size);
  EXPECT_EQ(std::string_view(text, static_cast<size_t>(std::max<ssize_t>(got, 0))), "to the host");

  ::sendto(server.fd(), "and back", 8, 0, reinterpret_cast<const sockaddr*>(&from), size);
  const Frame answer = wait_for(kIpv4);
  EXPECT_EQ(field16(answer, kUdpHeader), server.port());
  EXPECT_EQ(field16(answer, kUdpHeader + 2), 5000);
  EXPECT_EQ(text_of(answer), "and back");
  const std::lock_guard lock(mutex);
  EXPECT_EQ(headers.back().flags, PacketHeader::kDataValid);
}

class IsolatedNetworkTest : public UserNetworkTest {
 protected:
  IsolatedNetworkTest() : UserNetworkTest({.isolated = true}) {}
};

TEST_F(IsolatedNetworkTest, ReachesNothingButIsReached) {
  introduce_guest();
  HostSocket server(SOCK_DGRAM);
  send(udp(5000, server.port(), "from the guest"));
  server.send_to(server.port(), "from the host");
  EXPECT_EQ(server.receive(), "from the host");
  expect_connections_to_reach_the_guest();
}

TEST_F(UserNetworkTest, ForwardsADatagramPort) {
  introduce_guest();
  const auto port = forward({.protocol = UserNetwork::Protocol::udp, .guest_port = 53});
  ASSERT_TRUE(port.has_value());
  ASSERT_NE(*port, 0);
  HostSocket client(SOCK_DGRAM);
  client.send_to(*port, "question");
  const Frame question = wait_for(kIpv4);
  EXPECT_EQ(field32(question, 30), test::kGuestIp);
  EXPECT_EQ(field16(question, kUdpHeader + 2), 53);
  EXPECT_EQ(text_of(question), "question");

  send(udp(53, field16(question, kUdpHeader), "answer"));
  EXPECT_EQ(client.receive(), "answer");
}

TEST_F(UserNetworkTest, ForwardsAConnectionToTheGuest) {
  introduce_guest();
  expect_connections_to_reach_the_guest();
}

TEST_F(UserNetworkTest, SaysWhichPortIsInUse) {
  HostSocket other(SOCK_STREAM);
  ::listen(other.fd(), 1);
  const auto port = forward({.host_port = other.port(), .guest_port = 80});
  ASSERT_FALSE(port.has_value());
  EXPECT_EQ(port.error().message,
            fmt::format("port 127.0.0.1:{}/tcp of the host is in use; forward another one, or end the program that has "
                        "it",
                        other.port()));
}

TEST_F(UserNetworkTest, RefusesAddressesThatAreNotTheHosts) {
  const auto name = forward({.host_address = "localhost", .host_port = 8080, .guest_port = 80});
  EXPECT_THAT(name.error().message, testing::HasSubstr("not a numeric IPv4 address"));
  const auto foreign = forward({.host_address = "192.0.2.1", .host_port = 8080, .guest_port = 80});
  EXPECT_THAT(foreign.error().message, testing::HasSubstr("192.0.2.1 is no address of this host"));
}

TEST_F(UserNetworkTest, KeepsFramesForAGuestWithoutRoomAndLosesTheRest) {
  introduce_guest();
  {
    const std::lock_guard lock(mutex);
    ready = false;
  }
  for (int i = 0; i < 600; ++i) send(arp(1, {}, test::kGatewayIp));
  {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(frames.empty());
    ready = true;
  }
  uint64_t dropped = 0;
  loop.run_and_wait([&] {
    network->receiver_ready();
    dropped = network->dropped();
  });
  EXPECT_EQ(frames.size() + dropped, 600u);
  EXPECT_GT(dropped, 0u);
}

TEST_F(UserNetworkTest, SurvivesAnyFrame) {
  introduce_guest();
  for (size_t size = 0; size < 100; ++size) send(Frame(size, std::byte{0x45}));
  Frame cut = udp(5000, 53, "text");
  while (!cut.empty()) {
    cut.pop_back();
    send(cut);
  }
  send(arp(1, {}, test::kGatewayIp));
  wait_for(kArp);
}

}  // namespace
}  // namespace devices
