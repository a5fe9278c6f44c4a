#include "devices/backend/net/tap.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "devices/event_loop.h"
#include "hv/base/log.h"
#include "hv/base/unique_fd.h"

namespace devices {
namespace {

constexpr const char* kTun = "/dev/net/tun";
// Frames that are received before other devices of the loop have their turn.
constexpr unsigned kFramesPerTurn = 64;

ifreq request_for(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return request;
}

std::string remedy(const std::string& interface) {
  return fmt::format("as root: ip tuntap add dev {0} mode tap user $USER && ip link set {0} up", interface);
}

hv::Result<hv::UniqueFd> open_interface(const std::string& interface) {
  if (interface.size() >= IFNAMSIZ)
    return hv::error("the interface name \"{}\" is longer than {} bytes", interface, IFNAMSIZ - 1);
  if (::if_nametoindex(interface.c_str()) == 0)
    return hv::error("the host has no interface {}; make it, {}", interface, remedy(interface));
  hv::UniqueFd fd(::open(kTun, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return hv::error("the host has no {}; load the driver, as root: modprobe tun", kTun);
  if (!fd && (errno == EACCES || errno == EPERM))
    return hv::error("{} may not be opened by this user; as root: chmod 666 {}", kTun, kTun);
  if (!fd) return hv::os_error("{}", kTun);
  ifreq request = request_for(interface);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) == 0) return fd;
  switch (errno) {
    case EPERM:
      return hv::error("the interface {} may not be used by this user; make it anew, {}", interface, remedy(interface));
    case EBUSY:
      return hv::error("the interface {} is in use by another program; use another one", interface);
    case EINVAL:
      return hv::error("the interface {} is no TAP interface with one queue; make another one, {}", interface,
                       remedy("NAME"));
    default:
      return hv::os_error("the interface {}", interface);
  }
}

/// The interface's MTU; it is warned of an interface that carries nothing.
hv::Result<uint16_t> examine(const std::string& interface) {
  const hv::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(interface);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return hv::os_error("the interface {}", interface);
  if ((request.ifr_flags & IFF_UP) == 0)
    hv::log::warn("the interface {} is down; as root: ip link set {} up", interface, interface);
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) return hv::os_error("the interface {}", interface);
  return static_cast<uint16_t>(std::clamp(request.ifr_mtu, 68, static_cast<int>(kLargestPacket)));
}

}  // namespace

/// Shared with the wait under way, which may end after the Tap.
struct Tap::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, hv::UniqueFd fd, uint16_t mtu) : tap(loop.context(), fd.release()), mtu(mtu) {}

  int fd() { return tap.native_handle(); }

  void wait() {
    if (waiting || closed) return;
    waiting = true;
    tap.async_wait(boost::asio::posix::descriptor_base::wait_read,
                   [self = shared_from_this()](const boost::system::error_code& failure) {
                     self->waiting = false;
                     if (!failure && !self->closed) self->receive_some();
                   });
  }

  // A frame that the guest has no room for stays in `frame`, and the rest in the interface's queue.
  void receive_some() {
    for (unsigned i = 0; i < kFramesPerTurn && !kept; ++i) {
      const std::array<iovec, 2> parts = {iovec{&header, sizeof header}, {frame.data(), frame.size()}};
      const ssize_t got = ::readv(fd(), parts.data(), static_cast<int>(parts.size()));
      if (got < static_cast<ssize_t>(sizeof header)) break;
      size = static_cast<size_t>(got) - sizeof header;
      kept = !deliver();
    }
    if (receiver != nullptr) receiver->end_burst();
    if (!kept) wait();
  }

  bool deliver() { return receiver == nullptr || receiver->receive(header, std::span(frame).first(size)); }

  void receiver_ready() {
    if (!kept || !deliver()) return;
    kept = false;
    receive_some();
  }

  boost::asio::posix::stream_descriptor tap;
  const uint16_t mtu;
  NetReceiver* receiver = nullptr;
  PacketHeader header;
  std::array<std::byte, kLargestFrame> frame;
  size_t size = 0;  ///< of what is in `frame`
  bool kept = false;
  bool waiting = false;
  bool closed = false;
  uint64_t dropped = 0;
};

hv::Result<std::unique_ptr<Tap>> Tap::create(EventLoop& loop, const std::string& interface) {
  hv::UniqueFd fd = TRY(open_interface(interface));
  const int header_size = sizeof(PacketHeader);
  const int little_endian = 1;
  if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) != 0 || ::ioctl(fd.get(), TUNSETVNETLE, &little_endian) != 0)
    return hv::os_error("the interface {} has no offloads", interface);
  const uint16_t mtu = TRY(examine(interface));
  auto state = std::make_shared<State>(loop, std::move(fd), mtu);
  state->wait();
  std::unique_ptr<Tap> tap(new Tap(std::move(state)));
  tap->set_receive_offloads({});
  return tap;
}

Tap::Tap(std::shared_ptr<State> state) : state_(std::move(state)) {}

Tap::~Tap() {
  state_->closed = true;
  state_->receiver = nullptr;
  boost::system::error_code ignored;
  state_->tap.close(ignored);
}

uint64_t Tap::dropped() const noexcept { return state_->dropped; }

void Tap::attach(NetReceiver* receiver) noexcept { state_->receiver = receiver; }

uint16_t Tap::mtu() const noexcept { return state_->mtu; }

void Tap::set_receive_offloads(const Offloads& offloads) noexcept {
  unsigned flags = 0;
  if (offloads.checksum) flags |= TUN_F_CSUM;
  if (offloads.tcp4) flags |= TUN_F_TSO4;
  if (offloads.tcp6) flags |= TUN_F_TSO6;
  if (offloads.ecn) flags |= TUN_F_TSO_ECN;
  // Frames that the kernel has put together already are still given as they were.
  if (::ioctl(state_->fd(), TUNSETOFFLOAD, flags) != 0)
    hv::log::warn("the interface's offloads cannot be set: {}", std::strerror(errno));
}

void Tap::send(const PacketHeader& header, std::span<const std::byte> frame) {
  PacketHeader sent = header;
  sent.flags &= PacketHeader::kNeedsChecksum;
  const std::array<iovec, 2> parts = {iovec{&sent, sizeof sent}, {const_cast<std::byte*>(frame.data()), frame.size()}};
  // The kernel checks the header; it takes the frame or not, and never waits.
  if (::writev(state_->fd(), parts.data(), static_cast<int>(parts.size())) < 0) ++state_->dropped;
}

void Tap::receiver_ready() { state_->receiver_ready(); }

}  // namespace devices
