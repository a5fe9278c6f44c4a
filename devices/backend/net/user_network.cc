#include "devices/backend/net/user_network.h"

#include <chrono>
#include <deque>
#include <glib.h>
#include <mutex>
#include <vector>

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <slirp/libslirp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "devices/backend/net/poll_set.h"
#include "devices/event_loop.h"
#include "hv/base/log.h"
#include "hv/base/unique_fd.h"

// libslirp 4.9 gives these functions and callbacks other names and deprecates them; releases before it have no others.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace devices {
namespace {

// Frames for a guest that has no room. More are lost, as in a switch; TCP sends them again.
constexpr size_t kMostWaiting = 512;
constexpr size_t kMostWaitingBytes = 4 << 20;
// With this many, sockets are not read any more.
constexpr size_t kEnoughWaiting = 32;

struct EventName {
  int slirp;
  uint32_t epoll;
};
constexpr EventName kEvents[] = {{SLIRP_POLL_IN, EPOLLIN},
                                 {SLIRP_POLL_OUT, EPOLLOUT},
                                 {SLIRP_POLL_PRI, EPOLLPRI},
                                 {SLIRP_POLL_ERR, EPOLLERR},
                                 {SLIRP_POLL_HUP, EPOLLHUP}};

uint32_t epoll_events(int slirp) {
  uint32_t events = 0;
  for (const EventName& event : kEvents) events |= (slirp & event.slirp) != 0 ? event.epoll : 0;
  return events;
}

int slirp_events(uint32_t epoll) {
  int events = 0;
  for (const EventName& event : kEvents) events |= (epoll & event.epoll) != 0 ? event.slirp : 0;
  return events;
}

/// A port that the host has just chosen: libslirp does not say which one it got. 0: there is none.
uint16_t free_port(in_addr host, bool udp) {
  const hv::UniqueFd fd(::socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_addr = host;
  socklen_t size = sizeof bound;
  auto* const generic = reinterpret_cast<sockaddr*>(&bound);
  if (::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0) return 0;
  return ntohs(bound.sin_port);
}

/// What libslirp says of itself goes to the log, once: a guest can make it say things.
void log_libslirp() {
  static hv::log::GuestError said;
  ::g_log_set_handler(
      "Slirp", static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK),
      [](const gchar*, GLogLevelFlags, const gchar* message, gpointer) { said.report("libslirp: {}", message); },
      nullptr);
}

in_addr address(const char* text) {
  in_addr parsed{};
  ::inet_pton(AF_INET, text, &parsed);
  return parsed;
}

}  // namespace

/// libslirp and what it is told by. Shared with the waits under way, which may end after the UserNetwork.
struct UserNetwork::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, std::unique_ptr<PollSet> polls, const Options& options)
      : loop(loop), polls(std::move(polls)), options(options), timer(loop.context()) {
    SlirpConfig config{};
    config.version = 4;
    config.restricted = options.isolated ? 1 : 0;
    config.in_enabled = true;
    config.vnetwork = address("10.0.2.0");
    config.vnetmask = address("255.255.255.0");
    config.vhost = address("10.0.2.2");
    config.vnameserver = address("10.0.2.3");
    config.vdhcp_start = address("10.0.2.15");
    config.if_mtu = options.mtu;
    config.if_mru = options.mtu;
    slirp = ::slirp_new(&config, &kCallbacks, this);
  }

  static State& of(void* opaque) { return *static_cast<State*>(opaque); }

  // One round is what a main loop around libslirp does each time: see what the sockets have, let it act, and ask what
  // it waits for next.
  void round() {
    if (closed) return;
    polls->collect();
    ::slirp_pollfds_poll(
        slirp, 0, [](int index, void* opaque) { return of(opaque).ready(index); }, this);
    end_burst();
    arm();
  }

  void arm() {
    if (waiting.size() >= kEnoughWaiting) return;  // until `receiver_ready`
    uint32_t timeout = UINT32_MAX;
    waited_for.clear();
    polls->begin();
    ::slirp_pollfds_fill(
        slirp, &timeout, [](int fd, int events, void* opaque) { return of(opaque).wait_for(fd, events); }, this);
    polls->commit();
    polls->wait([self = shared_from_this()] { self->round(); });
    if (timeout == UINT32_MAX) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::chrono::milliseconds(timeout));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& failure) {
      if (!failure) self->round();
    });
  }

  /// After something outside a round: what libslirp waits for may have changed.
  void arm_soon() {
    if (std::exchange(arming, true)) return;
    loop.post([self = shared_from_this()] {
      self->arming = false;
      if (!self->closed) self->arm();
    });
  }

  int wait_for(int fd, int events) {
    polls->add(fd, epoll_events(events));
    waited_for.push_back(fd);
    return static_cast<int>(waited_for.size() - 1);
  }

  int ready(int index) const {
    const auto i = static_cast<size_t>(index);
    return i < waited_for.size() ? slirp_events(polls->events(waited_for[i])) : 0;
  }

  void deliver(std::span<const std::byte> frame) {
    if (receiver == nullptr) return;
    if (waiting.empty() && receiver->receive(kHeader, frame)) return;
    if (waiting.size() >= kMostWaiting || waiting_bytes + frame.size() > kMostWaitingBytes) {
      ++dropped;
      return;
    }
    waiting_bytes += frame.size();
    waiting.emplace_back(frame.begin(), frame.end());
  }

  void deliver_waiting() {
    if (waiting.empty()) return;
    while (!waiting.empty() && (receiver == nullptr || receiver->receive(kHeader, waiting.front()))) {
      waiting_bytes -= waiting.front().size();
      waiting.pop_front();
    }
    end_burst();
    arm_soon();
  }

  void end_burst() {
    if (receiver != nullptr) receiver->end_burst();
  }

  void close() {
    closed = true;
    receiver = nullptr;
    timer.cancel();
    ::slirp_cleanup(slirp);
    slirp = nullptr;
    polls->close();
  }

  // libslirp has just computed the checksums.
  static constexpr PacketHeader kHeader{.flags = PacketHeader::kDataValid};
  static const SlirpCb kCallbacks;

  EventLoop& loop;
  std::unique_ptr<PollSet> polls;
  const Options options;
  boost::asio::steady_timer timer;
  Slirp* slirp = nullptr;
  NetReceiver* receiver = nullptr;
  std::vector<int> waited_for;  ///< the descriptors by the numbers that libslirp knows them by
  std::deque<std::vector<std::byte>> waiting;
  size_t waiting_bytes = 0;
  uint64_t dropped = 0;
  hv::log::GuestError guest_error;
  bool arming = false;
  bool closed = false;
};

const SlirpCb UserNetwork::State::kCallbacks = {
    .send_packet = [](const void* data, size_t size, void* opaque) -> ssize_t {
      of(opaque).deliver({static_cast<const std::byte*>(data), size});
      return static_cast<ssize_t>(size);
    },
    .guest_error =
        [](const char* message, void* opaque) {
          State& state = of(opaque);
          state.guest_error.report("{}: {}", state.options.name, message);
        },
    .clock_get_ns = [](void*) -> int64_t {
      return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    },
    // Timers are for IPv6 alone, which this network does not have.
    .timer_new = nullptr,
    .timer_free = nullptr,
    .timer_mod = nullptr,
    .register_poll_fd = [](int, void*) {},
    .unregister_poll_fd = [](int fd, void* opaque) { of(opaque).polls->forget(fd); },
    .notify = [](void* opaque) { of(opaque).arm_soon(); },
    .init_completed = nullptr,
    .timer_new_opaque = nullptr,
};

hv::Result<std::unique_ptr<UserNetwork>> UserNetwork::create(EventLoop& loop, const Options& options) {
  static std::once_flag once;
  std::call_once(once, log_libslirp);
  auto state = std::make_shared<State>(loop, TRY(PollSet::create(loop.context())), options);
  if (state->slirp == nullptr) return hv::error("{}: libslirp does not start", options.name);
  state->arm();
  return std::unique_ptr<UserNetwork>(new UserNetwork(std::move(state)));
}

UserNetwork::UserNetwork(std::shared_ptr<State> state) : state_(std::move(state)) {}

UserNetwork::~UserNetwork() { state_->close(); }

hv::Result<uint16_t> UserNetwork::forward(const Forward& forward) {
  in_addr host{};
  if (::inet_pton(AF_INET, forward.host_address.c_str(), &host) != 1) {
    return hv::error("\"{}\" is not a numeric IPv4 address, such as 127.0.0.1 or, for every interface, 0.0.0.0",
                     forward.host_address);
  }
  const bool udp = forward.protocol == Protocol::udp;
  const uint16_t port = forward.host_port != 0 ? forward.host_port : free_port(host, udp);
  if (::slirp_add_hostfwd(state_->slirp, udp ? 1 : 0, host, port, in_addr{}, forward.guest_port) != 0) {
    const std::string where = fmt::format("{}:{}/{}", forward.host_address, port, udp ? "udp" : "tcp");
    switch (errno) {
      case EADDRINUSE:
        return hv::error("port {} of the host is in use; forward another one, or end the program that has it", where);
      case EACCES:
        return hv::error("port {} of the host needs root's rights; forward one from 1024 on", where);
      case EADDRNOTAVAIL:
        return hv::error("{} is no address of this host; use 127.0.0.1, or 0.0.0.0 for every interface",
                         forward.host_address);
      default:
        return hv::os_error("port {} of the host cannot be forwarded", where);
    }
  }
  state_->arm_soon();
  return port;
}

uint64_t UserNetwork::dropped() const noexcept { return state_->dropped; }

void UserNetwork::attach(NetReceiver* receiver) noexcept { state_->receiver = receiver; }

uint16_t UserNetwork::mtu() const noexcept { return state_->options.mtu; }

void UserNetwork::send(const PacketHeader& /*header*/, std::span<const std::byte> frame) {
  ::slirp_input(state_->slirp, reinterpret_cast<const uint8_t*>(frame.data()), static_cast<int>(frame.size()));
  state_->arm_soon();
}

void UserNetwork::receiver_ready() { state_->deliver_waiting(); }

}  // namespace devices
