#include "devices/virtio/net/net_device.h"

#include <algorithm>
#include <utility>

#include "devices/virtio/device_id.h"

namespace devices::virtio {

using net::ConfigOffset;
using net::kReceive;
using net::kTransmit;

namespace {

constexpr uint16_t kControlQueueSize = 64;

// Frames that are sent before other devices of the loop, and received frames, have their turn.
constexpr unsigned kFramesPerTurn = 64;

constexpr uint64_t kFeatures = net::kFeatureChecksum | net::kFeatureGuestChecksum | net::kFeatureControlGuestOffloads |
                               net::kFeatureMtu | net::kFeatureMac | net::kFeatureGuestTso4 | net::kFeatureGuestTso6 |
                               net::kFeatureGuestEcn | net::kFeatureHostTso4 | net::kFeatureHostTso6 |
                               net::kFeatureHostEcn | net::kFeatureMergeableBuffers | net::kFeatureStatus |
                               net::kFeatureControlQueue | net::kFeatureControlRx | net::kFeatureControlRxExtra |
                               net::kFeatureGuestAnnounce | net::kFeatureControlMac;

constexpr uint64_t kGuestOffloads =
    net::kFeatureGuestChecksum | net::kFeatureGuestTso4 | net::kFeatureGuestTso6 | net::kFeatureGuestEcn;

// §5.1.3.1: each of `features` needs one of `needed`.
struct Requirement {
  uint64_t features;
  uint64_t needed;
};
constexpr Requirement kRequirements[] = {
    {net::kFeatureGuestTso4 | net::kFeatureGuestTso6, net::kFeatureGuestChecksum},
    {net::kFeatureGuestEcn, net::kFeatureGuestTso4 | net::kFeatureGuestTso6},
    {net::kFeatureHostTso4 | net::kFeatureHostTso6, net::kFeatureChecksum},
    {net::kFeatureHostEcn, net::kFeatureHostTso4 | net::kFeatureHostTso6},
    {net::kFeatureControlRx | net::kFeatureControlRxExtra | net::kFeatureGuestAnnounce | net::kFeatureControlMac |
         net::kFeatureControlGuestOffloads,
     net::kFeatureControlQueue},
};

bool meets_requirements(uint64_t features) {
  return std::ranges::all_of(kRequirements, [&](const Requirement& requirement) {
    return (features & requirement.features) == 0 || (features & requirement.needed) != 0;
  });
}

constexpr uint64_t at(ConfigOffset offset) { return static_cast<uint64_t>(offset); }

}  // namespace

NetDevice::NetDevice(EventLoop& loop, std::unique_ptr<NetBackend> backend, const Options& options)
    : VirtioDevice(loop, {.name = options.name,
                          .device_id = static_cast<uint32_t>(DeviceId::net),
                          .features = kFeatures,
                          .queue_sizes = {options.queue_size, options.queue_size, kControlQueueSize},
                          .config_size = net::kConfigSize,
                          .writable_config = {}}),
      backend_(std::move(backend)),
      filter_(options.mac) {
  set_config_bytes(at(ConfigOffset::mac), options.mac);
  set_config(at(ConfigOffset::status), net::kStatusLinkUp);
  set_config(at(ConfigOffset::queue_pairs), uint16_t{1});
  set_config(at(ConfigOffset::mtu), backend_->mtu());
  backend_->attach(this);
}

NetDevice::~NetDevice() {
  backend_->attach(nullptr);
  // What is dropped from here on is not shown to the driver.
  detach();
}

bool NetDevice::accepts_features(uint64_t features) const noexcept { return meets_requirements(features); }

void NetDevice::on_activate() { use_receive_offloads(features() & kGuestOffloads); }

void NetDevice::on_reset() {
  burst_.reset();
  buffers_.clear();
  filter_.reset();
  set_config_bytes(at(ConfigOffset::mac), filter_.mac());
  set_config(at(ConfigOffset::status), net::kStatusLinkUp);
  use_receive_offloads(0);
  backend_->receiver_ready();  // what waited for this driver is not for the next one
}

void NetDevice::on_kick(unsigned queue) {
  if (queue == kReceive) return backend_->receiver_ready();
  if (queue == kTransmit) return transmit();
  serve_control();
}

void NetDevice::transmit() {
  bool more = true;
  {
    const Virtqueue::Batch batch(*queue(kTransmit));
    for (unsigned i = 0; i < kFramesPerTurn && more; ++i) {
      const std::optional<DescriptorChain> chain = pop(kTransmit);
      more = chain.has_value();
      if (more) send(*chain);
    }
  }
  end_burst();
  if (more) kick(kTransmit);
}

void NetDevice::send(const DescriptorChain& chain) {
  const std::optional<PacketHeader> header = chain.read_object<PacketHeader>(0);
  const size_t length = chain.readable_size() - std::min<size_t>(chain.readable_size(), sizeof(PacketHeader));
  bool good = header && length >= kEthernetHeaderSize && length <= kLargestFrame && may_ask_for(*header);
  if (good) {
    outgoing_.resize(length);
    chain.read(sizeof(PacketHeader), outgoing_);
    if (backend_->completes_frames()) {
      backend_->send(*header, outgoing_);
    } else {
      good = software_.finish(*header, outgoing_, backend_->largest_packet(),
                              [this](std::span<const std::byte> frame) { backend_->send({}, frame); });
    }
  }
  if (good) {
    ++counters_.sent;
    return;
  }
  ++counters_.malformed;
  malformed_.report("{}: the guest sent a malformed frame; it is dropped", name());
}

// §5.1.6.2.1: only what was negotiated.
bool NetDevice::may_ask_for(const PacketHeader& header) const noexcept {
  if ((header.flags & PacketHeader::kNeedsChecksum) != 0 && !has_feature(net::kFeatureChecksum)) return false;
  switch (header.segmentation_kind()) {
    case PacketHeader::kNone:
      return true;
    case PacketHeader::kTcp4:
      return has_feature(net::kFeatureHostTso4);
    case PacketHeader::kTcp6:
      return has_feature(net::kFeatureHostTso6);
    default:
      return false;
  }
}

bool NetDevice::receive(const PacketHeader& header, std::span<const std::byte> frame) {
  if (!active() || queue(kReceive) == nullptr) {
    ++counters_.not_ready;
    return true;
  }
  if (!filter_.accepts(frame)) {
    ++counters_.filtered;
    return true;
  }
  switch (make_room(sizeof header + frame.size())) {
    case Room::none_yet:
      return false;
    case Room::never:
      ++counters_.too_large;
      return true;
    case Room::enough:
      break;
  }
  fill_buffers(header, frame);
  ++counters_.received;
  return true;
}

NetDevice::Room NetDevice::make_room(size_t bytes) {
  const bool mergeable = has_feature(net::kFeatureMergeableBuffers);
  size_t room = 0;
  for (const DescriptorChain& buffer : buffers_) room += buffer.writable_size();
  while (room < bytes) {
    // §5.1.6.3.2: without MRG_RXBUF a frame has one buffer.
    if (buffers_.size() >= (mergeable ? queue(kReceive)->size() : 1u)) return Room::never;
    std::optional<DescriptorChain> buffer = pop(kReceive);
    if (!buffer) return Room::none_yet;
    room += buffer->writable_size();
    buffers_.push_back(std::move(*buffer));
  }
  return Room::enough;
}

void NetDevice::fill_buffers(PacketHeader header, std::span<const std::byte> frame) {
  if (!burst_) burst_.emplace(*queue(kReceive));
  const size_t bytes = sizeof header + frame.size();
  size_t room = 0;
  size_t used = 0;
  for (; room < bytes; ++used) room += buffers_[used].writable_size();
  header.buffers = static_cast<uint16_t>(used);
  if ((guest_offloads_ & net::kFeatureGuestChecksum) == 0) header.flags = 0;

  // Header and frame are one stream over the buffers.
  const std::span<const std::byte> head = std::as_bytes(std::span(&header, 1));
  size_t done = 0;
  for (size_t i = 0; i < used; ++i) {
    const size_t start = done;
    if (done < head.size()) done += buffers_[i].write(0, head.subspan(done));
    if (done >= head.size()) done += buffers_[i].write(done - start, frame.subspan(done - head.size()));
    buffers_[i].complete(static_cast<uint32_t>(done - start));
  }
  buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<ptrdiff_t>(used));
}

void NetDevice::end_burst() { burst_.reset(); }

bool NetDevice::may_receive(uint64_t offloads) const noexcept {
  return (offloads & ~(features() & kGuestOffloads)) == 0 && meets_requirements(offloads);
}

void NetDevice::save_state(hv::StateWriter& writer) const {
  filter_.save(writer);
  writer.value(guest_offloads_);
}

void NetDevice::load_state(hv::StateReader& reader) {
  filter_.load(reader);
  const auto offloads = reader.value<uint64_t>();
  if (!may_receive(offloads)) reader.fail("unknown offloads");
  if (!reader.ok() || !active()) return;
  use_receive_offloads(offloads);
  // The network of a restored machine does not know the guest yet.
  if (!has_feature(net::kFeatureGuestAnnounce)) return;
  set_config(at(ConfigOffset::status), static_cast<uint16_t>(net::kStatusLinkUp | net::kStatusAnnounce));
  post([this] { notify_config_changed(); });
}

void NetDevice::use_receive_offloads(uint64_t offloads) {
  guest_offloads_ = offloads;
  const auto has = [&](uint64_t feature) { return (offloads & feature) != 0; };
  backend_->set_receive_offloads({.checksum = has(net::kFeatureGuestChecksum),
                                  .tcp4 = has(net::kFeatureGuestTso4),
                                  .tcp6 = has(net::kFeatureGuestTso6),
                                  .ecn = has(net::kFeatureGuestEcn)});
}

}  // namespace devices::virtio
