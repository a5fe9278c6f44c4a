#pragma once

#include <memory>

#include "devices/event_loop.h"
#include "devices/virtio/virtio_device.h"
#include "hv/base/result.h"
#include "vmm/config/machine_config.h"

namespace vmm {

/// The network card of `config.networks[index]`. Errors start with the place in the machine file.
hv::Result<std::unique_ptr<devices::virtio::VirtioDevice>> make_network(const MachineConfig& config, size_t index,
                                                                        devices::EventLoop& loop);

}  // namespace vmm
