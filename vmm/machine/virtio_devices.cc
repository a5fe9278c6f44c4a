#include "vmm/machine/virtio_devices.h"

#include "devices/backend/disk/open.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/block/block_device.h"
#include "devices/virtio/console.h"
#include "devices/virtio/rng.h"
#include "vmm/machine/networks.h"

namespace vmm {
namespace {

using VirtioDevices = std::vector<std::unique_ptr<devices::virtio::VirtioDevice>>;

devices::DiskFormat format_of(DiskFormat format) {
  switch (format) {
    case DiskFormat::automatic:
      return devices::DiskFormat::automatic;
    case DiskFormat::raw:
      return devices::DiskFormat::raw;
    case DiskFormat::qcow2:
      return devices::DiskFormat::qcow2;
  }
  return devices::DiskFormat::automatic;
}

hv::Result<void> add_disks(const MachineConfig& config, devices::EventLoop& loop, VirtioDevices& out) {
  for (size_t i = 0; i < config.disks.size(); ++i) {
    const DiskConfig& disk = config.disks[i];
    devices::DiskSpec spec;
    spec.path = disk.path;
    spec.format = format_of(disk.format);
    spec.read_only = disk.readonly;
    spec.snapshot = disk.snapshot;
    spec.id = disk.serial;
    devices::virtio::BlockDevice::Options options;
    options.name = fmt::format("disk {}", i);
    options.queues = static_cast<uint16_t>(disk.queues);
    out.push_back(std::make_unique<devices::virtio::BlockDevice>(loop, TRY(devices::open_disk(spec, loop)), options));
  }
  return {};
}

}  // namespace

hv::Result<VirtioDevices> make_virtio_devices(const MachineConfig& config, const PlatformEnvironment& environment,
                                              devices::EventLoop& loop) {
  VirtioDevices devices;
  TRY(add_disks(config, loop, devices));
  for (size_t i = 0; i < config.networks.size(); ++i) devices.push_back(TRY(make_network(config, i, loop)));
  if (config.console.device == ConsoleDevice::virtio) {
    const std::vector<devices::virtio::Console::Port> ports = {{&environment.console, "console", true}};
    devices.push_back(std::make_unique<devices::virtio::Console>(loop, ports));
  }
  if (config.rng) devices.push_back(std::make_unique<devices::virtio::Rng>(loop));
  if (config.balloon) devices.push_back(std::make_unique<devices::virtio::Balloon>(loop));
  return devices;
}

}  // namespace vmm
