// The control queue of a network card. VIRTIO 1.2 §5.1.6.5

#include <algorithm>
#include <array>

#include "devices/virtio/net/net_device.h"

namespace devices::virtio {

using net::Acknowledge;
using net::ControlClass;

namespace {

constexpr unsigned kCommandsPerTurn = 64;
constexpr size_t kCommandHeader = 2;

/// One of the tables of §5.1.6.5.2: a count, then so many addresses. Nothing where the command is too short for it.
std::optional<std::vector<net::MacAddress>> read_table(const DescriptorChain& chain, uint64_t& offset) {
  const auto count = chain.read_object<uint32_t>(offset);
  if (!count) return std::nullopt;
  offset += sizeof *count;
  if (*count > (chain.readable_size() - offset) / sizeof(net::MacAddress)) return std::nullopt;
  // More are as good as all (RxFilter), and are not copied.
  std::vector<net::MacAddress> table(std::min<size_t>(*count, net::RxFilter::kMostAddresses + 1));
  chain.read(offset, std::as_writable_bytes(std::span(table)));
  offset += uint64_t{*count} * sizeof(net::MacAddress);
  return table;
}

}  // namespace

void NetDevice::serve_control() {
  using net::kControl;
  for (unsigned i = 0; i < kCommandsPerTurn; ++i) {
    std::optional<DescriptorChain> chain = pop(kControl);
    if (!chain) return;
    const Acknowledge answer = control(*chain);
    chain->write_object(0, answer);
    chain->complete(std::min<uint32_t>(chain->writable_size(), sizeof answer));
  }
  kick(kControl);
}

Acknowledge NetDevice::control(const DescriptorChain& chain) {
  const auto header = chain.read_object<std::array<uint8_t, kCommandHeader>>(0);
  if (!header) return Acknowledge::error;
  const auto [kind, command] = *header;
  bool done = false;
  switch (static_cast<ControlClass>(kind)) {
    case ControlClass::rx:
      done = set_rx_mode(command, chain);
      break;
    case ControlClass::mac:
      done = set_mac(command, chain);
      break;
    case ControlClass::announce:
      done = command == net::kAnnounceAcknowledge;
      if (done) set_config(static_cast<uint64_t>(net::ConfigOffset::status), net::kStatusLinkUp);
      break;
    case ControlClass::guest_offloads:
      done = set_guest_offloads(command, chain);
      break;
  }
  return done ? Acknowledge::ok : Acknowledge::error;
}

bool NetDevice::set_rx_mode(uint8_t command, const DescriptorChain& chain) {
  const auto on = chain.read_object<uint8_t>(kCommandHeader);
  return on && filter_.set_mode(static_cast<net::RxCommand>(command), *on != 0);
}

bool NetDevice::set_mac(uint8_t command, const DescriptorChain& chain) {
  switch (static_cast<net::MacCommand>(command)) {
    case net::MacCommand::set_address: {
      const auto mac = chain.read_object<net::MacAddress>(kCommandHeader);
      if (!mac) return false;
      filter_.set_mac(*mac);
      set_config_bytes(static_cast<uint64_t>(net::ConfigOffset::mac), *mac);
      return true;
    }
    case net::MacCommand::set_table: {
      uint64_t offset = kCommandHeader;
      auto unicast = read_table(chain, offset);
      if (!unicast) return false;
      auto multicast = read_table(chain, offset);
      if (!multicast) return false;
      filter_.set_tables(std::move(*unicast), std::move(*multicast));
      return true;
    }
  }
  return false;
}

bool NetDevice::set_guest_offloads(uint8_t command, const DescriptorChain& chain) {
  const auto offloads = chain.read_object<uint64_t>(kCommandHeader);
  if (command != net::kGuestOffloadsSet || !offloads || !has_feature(net::kFeatureControlGuestOffloads)) return false;
  if (!may_receive(*offloads)) return false;
  use_receive_offloads(*offloads);
  return true;
}

}  // namespace devices::virtio
