#include "devices/virtio/net/rx_filter.h"

#include <algorithm>
#include <utility>

namespace devices::virtio::net {
namespace {

constexpr size_t kEthernetHeader = 14;

// IEEE 802-2014 §8.2
bool is_group(const MacAddress& mac) { return (std::to_integer<unsigned>(mac[0]) & 1) != 0; }
bool is_broadcast(const MacAddress& mac) {
  return std::ranges::all_of(mac, [](std::byte octet) { return octet == std::byte{0xff}; });
}

void save_mac(hv::StateWriter& writer, const MacAddress& mac) { writer.bytes(mac); }
MacAddress load_mac(hv::StateReader& reader) {
  MacAddress mac{};
  const std::vector<std::byte> bytes = reader.bytes(mac.size());
  if (bytes.size() != mac.size()) reader.fail("a MAC address of another size");
  if (reader.ok()) std::ranges::copy(bytes, mac.begin());
  return mac;
}

}  // namespace

void RxFilter::reset() {
  mac_ = own_;
  modes_ = {};
  modes_[static_cast<size_t>(RxCommand::promiscuous)] = true;
  set_tables({}, {});
}

bool RxFilter::set_mode(RxCommand command, bool on) noexcept {
  if (static_cast<size_t>(command) >= kModes) return false;
  modes_[static_cast<size_t>(command)] = on;
  return true;
}

void RxFilter::set_tables(Table unicast, Table multicast) noexcept {
  all_unicast_ = unicast.size() > kMostAddresses;
  all_multicast_ = multicast.size() > kMostAddresses;
  unicast_ = all_unicast_ ? Table{} : std::move(unicast);
  multicast_ = all_multicast_ ? Table{} : std::move(multicast);
}

bool RxFilter::accepts(std::span<const std::byte> frame) const noexcept {
  if (frame.size() < kEthernetHeader) return false;
  if (mode(RxCommand::promiscuous)) return true;
  MacAddress to;
  std::ranges::copy(frame.first(to.size()), to.begin());
  if (is_broadcast(to)) return !mode(RxCommand::no_broadcast);
  if (is_group(to)) {
    if (mode(RxCommand::no_multicast)) return false;
    return mode(RxCommand::all_multicast) || all_multicast_ || std::ranges::find(multicast_, to) != multicast_.end();
  }
  if (mode(RxCommand::no_unicast)) return false;
  return mode(RxCommand::all_unicast) || all_unicast_ || to == mac_ ||
         std::ranges::find(unicast_, to) != unicast_.end();
}

void RxFilter::save(hv::StateWriter& writer) const {
  save_mac(writer, mac_);
  for (const bool on : modes_) writer.value(on);
  writer.value(all_unicast_);
  writer.value(all_multicast_);
  for (const Table* table : {&unicast_, &multicast_}) {
    writer.value(static_cast<uint32_t>(table->size()));
    for (const MacAddress& mac : *table) save_mac(writer, mac);
  }
}

void RxFilter::load(hv::StateReader& reader) {
  mac_ = load_mac(reader);
  for (bool& on : modes_) reader.value(on);
  reader.value(all_unicast_);
  reader.value(all_multicast_);
  for (Table* table : {&unicast_, &multicast_}) {
    const auto count = reader.value<uint32_t>();
    if (count > kMostAddresses) reader.fail("too many MAC addresses");
    table->assign(reader.ok() ? count : 0, MacAddress{});
    for (MacAddress& mac : *table) mac = load_mac(reader);
  }
}

}  // namespace devices::virtio::net
