#pragma once

#include <cstdint>

namespace devices::virtio {

/// VIRTIO 1.2 §5
enum class DeviceId : uint32_t { net = 1, block = 2, console = 3, entropy = 4, balloon = 5 };

}  // namespace devices::virtio
