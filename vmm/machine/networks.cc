#include "vmm/machine/networks.h"

#include <charconv>

#include "devices/backend/net/tap.h"
#include "devices/backend/net/user_network.h"
#include "devices/virtio/net/net_device.h"
#include "hv/base/log.h"

namespace vmm {
namespace {

using Backend = std::unique_ptr<devices::NetBackend>;

devices::virtio::net::MacAddress parse_address(const std::string& text) {
  devices::virtio::net::MacAddress mac{};
  for (size_t i = 0; i < mac.size(); ++i) {
    uint8_t octet = 0;
    std::from_chars(&text[3 * i], &text[3 * i] + 2, octet, 16);
    mac[i] = static_cast<std::byte>(octet);
  }
  return mac;
}

/// An address that stays the same each time that a machine starts, and is another one for each of its cards and for
/// machines with another name or interface: 52:54:00, as other virtual machines have, and a hash (FNV-1a).
devices::virtio::net::MacAddress made_up_address(const MachineConfig& config, size_t index) {
  uint32_t hash = 2166136261;
  for (const char c : fmt::format("{}/{}/{}", config.name, config.networks[index].interface, index))
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619;
  return {std::byte{0x52},
          std::byte{0x54},
          std::byte{0x00},
          static_cast<std::byte>(hash >> 16),
          static_cast<std::byte>(hash >> 8),
          static_cast<std::byte>(hash)};
}

hv::Result<Backend> open_user_network(const NetworkConfig& network, const std::string& name, devices::EventLoop& loop) {
  using devices::UserNetwork;
  UserNetwork::Options options;
  options.name = name;
  options.isolated = network.isolated;
  if (network.mtu != 0) options.mtu = static_cast<uint16_t>(network.mtu);
  std::unique_ptr<UserNetwork> backend = TRY(UserNetwork::create(loop, options));
  for (const PortForward& forward : network.forward) {
    const bool udp = forward.protocol == Protocol::udp;
    const hv::Result<uint16_t> port =
        backend->forward({.protocol = udp ? UserNetwork::Protocol::udp : UserNetwork::Protocol::tcp,
                          .host_address = forward.host_address,
                          .host_port = forward.host_port,
                          .guest_port = forward.guest_port});
    if (!port) return error_at(forward.location, "{}", port.error().message);
    hv::log::info("{}: {}:{}/{} leads to port {} of the guest", name, forward.host_address, *port, udp ? "udp" : "tcp",
                  forward.guest_port);
  }
  return Backend(std::move(backend));
}

hv::Result<Backend> open_tap(const NetworkConfig& network, devices::EventLoop& loop) {
  hv::Result<std::unique_ptr<devices::Tap>> tap = devices::Tap::create(loop, network.interface);
  if (!tap) return error_at(network.location, "{}", tap.error().message);
  return Backend(std::move(*tap));
}

}  // namespace

hv::Result<std::unique_ptr<devices::virtio::VirtioDevice>> make_network(const MachineConfig& config, size_t index,
                                                                        devices::EventLoop& loop) {
  const NetworkConfig& network = config.networks[index];
  devices::virtio::NetDevice::Options options;
  options.name = fmt::format("network {}", index);
  options.mac = network.mac.empty() ? made_up_address(config, index) : parse_address(network.mac);
  Backend backend = TRY(network.backend == NetworkBackend::tap ? open_tap(network, loop)
                                                               : open_user_network(network, options.name, loop));
  return std::make_unique<devices::virtio::NetDevice>(loop, std::move(backend), options);
}

}  // namespace vmm
