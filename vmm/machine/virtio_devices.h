#pragma once

#include <memory>
#include <vector>

#include "devices/event_loop.h"
#include "devices/virtio/virtio_device.h"
#include "hv/base/result.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/platform.h"

namespace vmm {

/// The VIRTIO devices that a configuration asks for, in the order of their slots: disks, networks, console, rng,
/// balloon. They run on `loop`, which stands still. Errors: a disk or a network that cannot be had.
hv::Result<std::vector<std::unique_ptr<devices::virtio::VirtioDevice>>> make_virtio_devices(
    const MachineConfig& config, const PlatformEnvironment& environment, devices::EventLoop& loop);

}  // namespace vmm
