#pragma once

#include <cstdint>

namespace devices::virtio {

/// Feature bits of every device. VIRTIO 1.2 §6
inline constexpr uint64_t kFeatureIndirectDescriptors = uint64_t{1} << 28;
inline constexpr uint64_t kFeatureEventIndex = uint64_t{1} << 29;
inline constexpr uint64_t kFeatureVersion1 = uint64_t{1} << 32;
inline constexpr uint64_t kFeaturePackedRing = uint64_t{1} << 34;

/// What VirtioDevice offers for every device, beside the device's own bits.
inline constexpr uint64_t kCommonFeatures =
    kFeatureIndirectDescriptors | kFeatureEventIndex | kFeatureVersion1 | kFeaturePackedRing;

}  // namespace devices::virtio
