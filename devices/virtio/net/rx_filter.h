#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "devices/virtio/net/net_format.h"
#include "hv/core/state_io.h"

namespace devices::virtio::net {

using MacAddress = std::array<std::byte, 6>;

/// Which frames a card takes. VIRTIO 1.2 §5.1.6.5.1, §5.1.6.5.2
class RxFilter {
 public:
  /// A table with more addresses than this takes all of its kind.
  static constexpr size_t kMostAddresses = 64;

  explicit RxFilter(const MacAddress& mac) : own_(mac), mac_(mac) { reset(); }

  /// Everything is taken until the driver says what it wants: one without the control queue never does.
  void reset();

  /// False: no such command.
  bool set_mode(RxCommand command, bool on) noexcept;
  void set_mac(const MacAddress& mac) noexcept { mac_ = mac; }
  void set_tables(std::vector<MacAddress> unicast, std::vector<MacAddress> multicast) noexcept;
  const MacAddress& mac() const noexcept { return mac_; }

  /// Whether the frame, by its destination, is for this card. Shorter than an Ethernet header: no.
  bool accepts(std::span<const std::byte> frame) const noexcept;

  void save(hv::StateWriter& writer) const;
  void load(hv::StateReader& reader);

 private:
  static constexpr size_t kModes = 6;
  using Table = std::vector<MacAddress>;

  bool mode(RxCommand command) const noexcept { return modes_[static_cast<size_t>(command)]; }

  MacAddress own_;  ///< what the card was made with
  MacAddress mac_;
  std::array<bool, kModes> modes_{};
  Table unicast_;
  Table multicast_;
  bool all_unicast_ = false;    ///< the table was too large
  bool all_multicast_ = false;  ///< the table was too large
};

}  // namespace devices::virtio::net
