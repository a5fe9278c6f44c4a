#include "devices/backend/net/tap.h"

#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "devices/event_loop.h"
#include "hv/base/unique_fd.h"
#include "tests/support/frames.h"
#include "tests/support/virtio_guest.h"

namespace devices {
namespace {

using test::field16;
using test::Frame;
using test::FrameBuilder;

constexpr uint16_t kType = 0x88b5;  // IEEE 802: local experiments

/// A TAP interface that lasts as long as this, and a socket at the kernel's end of it.
class Interface {
 public:
  Interface() : name_(fmt::format("vireo{}", ::getpid() % 100000)) {
    hv::UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request = this->request();
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (!tun || ::ioctl(tun.get(), TUNSETIFF, &request) != 0 || ::ioctl(tun.get(), TUNSETPERSIST, 1) != 0) return;
    socket_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    request = this->request();
    request.ifr_flags = IFF_UP;
    ::ioctl(socket_.get(), SIOCSIFFLAGS, &request);
    request = this->request();
    request.ifr_mtu = 1400;
    ::ioctl(socket_.get(), SIOCSIFMTU, &request);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(name_.c_str()));
    usable_ = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Interface() {
    hv::UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request = this->request();
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (tun && ::ioctl(tun.get(), TUNSETIFF, &request) == 0) ::ioctl(tun.get(), TUNSETPERSIST, 0);
  }

  bool usable() const { return usable_; }
  const std::string& name() const { return name_; }

  void send(const Frame& frame) const {
    EXPECT_EQ(::send(socket_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  /// The first frame of the type that the guest sent.
  Frame wait_for(uint16_t type) const {
    Frame frame;
    EXPECT_TRUE(test::eventually([&] {
      frame.assign(kLargestFrame, std::byte{});
      const ssize_t got = ::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
      frame.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
      return frame.size() >= kEthernetHeaderSize && field16(frame, 12) == type;
    }));
    return frame;
  }

 private:
  ifreq request() const {
    ifreq request{};
    name_.copy(request.ifr_name, sizeof request.ifr_name - 1);
    return request;
  }

  std::string name_;
  hv::UniqueFd socket_;
  bool usable_ = false;
};

class TapTest : public testing::Test, protected NetReceiver {
 protected:
  void SetUp() override {
    if (!interface.usable()) GTEST_SKIP() << "this user may not make a TAP interface";
    tap = std::move(Tap::create(loop, interface.name()).value());
    tap->attach(this);
    loop.start();
  }
  // Not in the destructor: the loop may call the receiver up to here.
  void TearDown() override { loop.stop(); }

  bool receive(const PacketHeader&, std::span<const std::byte> frame) override {
    const std::lock_guard lock(mutex);
    if (!ready) return false;
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  void end_burst() override {}

  /// Frames of the test's own: the host has things to say as well.
  size_t count() {
    const std::lock_guard lock(mutex);
    return static_cast<size_t>(std::ranges::count_if(frames, [](const Frame& f) { return field16(f, 12) == kType; }));
  }
  void send(const PacketHeader& header, const Frame& frame) {
    loop.run_and_wait([&] { tap->send(header, frame); });
  }

  Interface interface;
  EventLoop loop{"tap-test"};
  std::unique_ptr<Tap> tap;
  std::mutex mutex;
  bool ready = true;
  std::vector<Frame> frames;
};

TEST_F(TapTest, ReceivesAndSends) {
  EXPECT_EQ(tap->mtu(), 1400);
  const Frame frame = FrameBuilder(test::kGuestMac, test::kOtherMac, kType).fill(100).frame();
  interface.send(frame);
  ASSERT_TRUE(test::eventually([&] { return count() == 1; }));
  const Frame answer = FrameBuilder(test::kOtherMac, test::kGuestMac, kType).fill(200).frame();
  send({}, answer);
  Frame seen = interface.wait_for(kType);
  while (seen == frame) seen = interface.wait_for(kType);
  EXPECT_EQ(seen, answer);
}

TEST_F(TapTest, LeavesSegmentationToTheKernel) {
  const Frame large = FrameBuilder(test::kOtherMac, test::kGuestMac, 0x0800)
                          .ipv4(test::kGuestIp, test::kGatewayIp, 6, 20 + 9000)
                          .tcp(1, 16)
                          .fill(9000)
                          .frame();
  send(test::segmented(PacketHeader::kTcp4, 34, 1300), large);
  EXPECT_EQ(tap->dropped(), 0u);
  EXPECT_EQ(interface.wait_for(0x0800).size(), large.size());
  send(test::segmented(PacketHeader::kTcp4, 60000, 1300), large);
  EXPECT_EQ(tap->dropped(), 1u);
}

TEST_F(TapTest, LeavesFramesInTheKernelWhileTheGuestHasNoRoom) {
  {
    const std::lock_guard lock(mutex);
    ready = false;
  }
  for (int i = 0; i < 10; ++i) interface.send(FrameBuilder(test::kGuestMac, test::kOtherMac, kType).fill(100).frame());
  for (int i = 0; i < 4; ++i) loop.run_and_wait([] {});
  EXPECT_EQ(count(), 0u);
  {
    const std::lock_guard lock(mutex);
    ready = true;
  }
  loop.run_and_wait([&] { tap->receiver_ready(); });
  EXPECT_TRUE(test::eventually([&] { return count() == 10; }));
}

TEST_F(TapTest, SaysThatAnInterfaceIsInUse) {
  EXPECT_EQ(Tap::create(loop, interface.name()).error().message,
            fmt::format("the interface {} is in use by another program; use another one", interface.name()));
}

TEST(Tap, SaysHowToMakeAnInterface) {
  EventLoop loop("tap-test");
  EXPECT_EQ(
      Tap::create(loop, "vireo-none").error().message,
      "the host has no interface vireo-none; make it, as root: ip tuntap add dev vireo-none mode tap user $USER && "
      "ip link set vireo-none up");
  EXPECT_THAT(Tap::create(loop, "a-name-that-is-too-long").error().message, testing::HasSubstr("longer than 15"));
}

}  // namespace
}  // namespace devices
