#pragma once

#include <cstdint>

/// What a network card and its driver say to each other. VIRTIO 1.2 §5.1
namespace devices::virtio::net {

// Feature bits. §5.1.3
inline constexpr uint64_t kFeatureChecksum = uint64_t{1} << 0;
inline constexpr uint64_t kFeatureGuestChecksum = uint64_t{1} << 1;
inline constexpr uint64_t kFeatureControlGuestOffloads = uint64_t{1} << 2;
inline constexpr uint64_t kFeatureMtu = uint64_t{1} << 3;
inline constexpr uint64_t kFeatureMac = uint64_t{1} << 5;
inline constexpr uint64_t kFeatureGuestTso4 = uint64_t{1} << 7;
inline constexpr uint64_t kFeatureGuestTso6 = uint64_t{1} << 8;
inline constexpr uint64_t kFeatureGuestEcn = uint64_t{1} << 9;
inline constexpr uint64_t kFeatureHostTso4 = uint64_t{1} << 11;
inline constexpr uint64_t kFeatureHostTso6 = uint64_t{1} << 12;
inline constexpr uint64_t kFeatureHostEcn = uint64_t{1} << 13;
inline constexpr uint64_t kFeatureMergeableBuffers = uint64_t{1} << 15;
inline constexpr uint64_t kFeatureStatus = uint64_t{1} << 16;
inline constexpr uint64_t kFeatureControlQueue = uint64_t{1} << 17;
inline constexpr uint64_t kFeatureControlRx = uint64_t{1} << 18;
inline constexpr uint64_t kFeatureControlRxExtra = uint64_t{1} << 20;
inline constexpr uint64_t kFeatureGuestAnnounce = uint64_t{1} << 21;
inline constexpr uint64_t kFeatureControlMac = uint64_t{1} << 23;

// Queues. §5.1.2
inline constexpr unsigned kReceive = 0;
inline constexpr unsigned kTransmit = 1;
inline constexpr unsigned kControl = 2;

// Offsets of the configuration fields. §5.1.4
enum class ConfigOffset : uint32_t { mac = 0, status = 6, queue_pairs = 8, mtu = 10 };
inline constexpr uint32_t kConfigSize = 12;

inline constexpr uint16_t kStatusLinkUp = 1;
inline constexpr uint16_t kStatusAnnounce = 2;

// The control queue. §5.1.6.5
enum class ControlClass : uint8_t { rx = 0, mac = 1, announce = 3, guest_offloads = 5 };
enum class RxCommand : uint8_t { promiscuous = 0, all_multicast, all_unicast, no_multicast, no_unicast, no_broadcast };
enum class MacCommand : uint8_t { set_table = 0, set_address = 1 };
inline constexpr uint8_t kAnnounceAcknowledge = 0;
inline constexpr uint8_t kGuestOffloadsSet = 0;

enum class Acknowledge : uint8_t { ok = 0, error = 1 };

}  // namespace devices::virtio::net
