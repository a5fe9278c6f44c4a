#include "vmm/machine/base_platform.h"

#include "vmm/machine/virtio_devices.h"

namespace vmm {

hv::Result<void> BasePlatform::power_on() {
  for (const Occupied& slot : virtio_) slot.transport->reset();
  if (booted_) {
    for (const auto& region : memory_->regions()) TRY(memory_->discard(region.range.base, region.range.size));
    hv::StateReader reader(power_on_state_.data());
    for (hv::Snapshottable* const device : resettable_) TRY(device->load(reader));
    TRY(engine_->reset());
  }
  booted_ = true;
  return boot();
}

void BasePlatform::save(hv::StateWriter& writer) const {
  writer.section("machine", 1, [&] {
    memory_->save(writer);
    for (const hv::Snapshottable* const device : resettable_) device->save(writer);
    for (const Occupied& slot : virtio_) slot.transport->save(writer);
    engine_->save_controllers(writer);
    for (size_t i = 0; i < engine_->vcpu_count(); ++i) engine_->vcpu(i).save(writer);
  });
}

/// Controllers after the devices: what those drive on the way is not what was saved.
hv::Result<void> BasePlatform::load(hv::StateReader& reader) {
  booted_ = true;
  hv::Result<void> loaded;
  reader.section("machine", 1, [&](uint32_t) {
    loaded = load_parts(reader);
    if (!loaded) reader.fail(loaded.error().message);
  });
  TRY(std::move(loaded));
  return reader.status();
}

hv::Result<void> BasePlatform::load_parts(hv::StateReader& reader) {
  TRY(memory_->load_state(reader));
  for (hv::Snapshottable* const device : resettable_) TRY(device->load(reader));
  for (const Occupied& slot : virtio_) TRY(slot.transport->load(reader));
  TRY(engine_->load_controllers(reader));
  for (size_t i = 0; i < engine_->vcpu_count(); ++i) TRY(engine_->vcpu(i).load(reader));
  return {};
}

hv::Result<void> BasePlatform::make_memory(std::span<const hv::RegionConfig> regions) {
  memory_ = TRY(hv::GuestMemory::create(regions));
  return {};
}

hv::Result<void> BasePlatform::make_virtio(unsigned slots, const std::function<Slot(unsigned)>& slot) {
  auto devices = TRY(make_virtio_devices(config_, environment_, loop_));
  if (devices.size() > slots)
    return hv::error("the machine has {} devices, and {} are the most it can have", devices.size(), slots);
  for (unsigned i = 0; i < devices.size(); ++i) {
    const Slot place = slot(i);
    auto transport = TRY(devices::virtio::MmioTransport::create(std::move(devices[i]), *memory_, place.line));
    const Occupied& added = virtio_.emplace_back(Occupied{place.range.base, std::move(transport)});
    TRY(bus_.add(place.range, *added.transport, added.transport->device().name()));
  }
  return {};
}

void BasePlatform::reset_by_loading(hv::Snapshottable& device) {
  device.save(power_on_state_);
  resettable_.push_back(&device);
}

devices::CharBackend& BasePlatform::serial_backend() noexcept {
  if (config_.console.device == ConsoleDevice::uart) return environment_.console;
  return nowhere_;
}

hv::Result<void> BasePlatform::run_on(BaseEngine& engine) {
  engine_ = &engine;
  for (const Occupied& slot : virtio_) {
    const devices::virtio::VirtioDevice& device = slot.transport->device();
    // What the guest writes there is a queue's number.
    const hv::GuestAddress notify = slot.base + devices::virtio::MmioTransport::kQueueNotify;
    for (unsigned queue = 0; queue < device.queue_count(); ++queue)
      TRY(engine.ring_on_write(device.kick_fd(queue), notify, queue));
  }
  return {};
}

}  // namespace vmm
