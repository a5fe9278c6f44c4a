// Saving and loading a VIRTIO device. What was handed to the loop and not delivered yet is saved too, since a loop that
// stands still keeps it.

#include "devices/notifier.h"
#include "devices/virtio/virtio_device.h"

namespace devices::virtio {
namespace {

constexpr uint64_t kLongestConfigWrite = 8;

void save_queue_configs(hv::StateWriter& writer, const std::vector<VirtqueueConfig>& configs) {
  writer.value(static_cast<uint32_t>(configs.size()));
  for (const VirtqueueConfig& config : configs) config.save(writer);
}

std::vector<VirtqueueConfig> load_queue_configs(hv::StateReader& reader, unsigned most) {
  const auto count = reader.value<uint32_t>();
  if (count > most) reader.fail("another number of queues");
  std::vector<VirtqueueConfig> configs(reader.ok() ? count : 0);
  for (VirtqueueConfig& config : configs) config.load(reader);
  return configs;
}

}  // namespace

void VirtioDevice::save(hv::StateWriter& writer) const {
  writer.section("virtio", 1, [&] {
    writer.value(description_.device_id);
    save_undelivered(writer);
    writer.value(active_);
    writer.value(failed_);
    writer.value(features_);
    save_queue_configs(writer, queue_configs_);
    if (failed_) return;  // its queues are dead until the reset
    for (const auto& queue : queues_) {
      if (queue != nullptr) queue->save(writer);
    }
  });
  writer.section("state", 1, [&] { save_state(writer); });
}

void VirtioDevice::save_undelivered(hv::StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.bytes(config_);
  writer.value(config_generation_.load());
  writer.value(static_cast<uint32_t>(config_writes_.size()));
  for (const ConfigWrite& write : config_writes_) {
    writer.value(write.offset);
    writer.bytes(write.data);
  }
  writer.value(activation_.has_value());
  if (!activation_) return;
  writer.value(activation_->features);
  save_queue_configs(writer, activation_->queues);
}

hv::Result<void> VirtioDevice::load(hv::StateReader& reader) {
  reader.section("virtio", 1, [&](uint32_t) {
    if (reader.value<uint32_t>() != device_id()) reader.fail("another kind of device");
    load_undelivered(reader);
    reader.value(active_);
    reader.value(failed_);
    reader.value(features_);
    queue_configs_ = load_queue_configs(reader, queue_count());
    load_queues(reader);
  });
  reader.section("state", 1, [&](uint32_t) { load_state(reader); });
  TRY(reader.status());
  if (active_) {
    for (unsigned i = 0; i < queue_count(); ++i) kick(i);
  }
  return {};
}

void VirtioDevice::load_undelivered(hv::StateReader& reader) {
  std::vector<std::byte> config = reader.bytes(config_.size());
  if (config.size() != config_.size()) reader.fail("another size of the configuration space");
  if (!reader.ok()) return;
  {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
  }
  config_generation_ = reader.value<uint32_t>();
  const auto writes = reader.value<uint32_t>();
  for (uint32_t i = 0; i < writes && reader.ok(); ++i) {
    const auto offset = reader.value<uint64_t>();
    write_config(offset, reader.bytes(kLongestConfigWrite));
  }
  if (reader.value<bool>()) {
    const auto features = reader.value<uint64_t>();
    activate(features, load_queue_configs(reader, queue_count()));
  }
}

void VirtioDevice::load_queues(hv::StateReader& reader) {
  if (!active_ || failed_ || !reader.ok()) return;
  queue_configs_.resize(queue_count());
  if (const auto made = make_queues(); !made) return reader.fail(made.error().message);
  for (const auto& queue : queues_) {
    if (queue != nullptr) queue->load(reader);
  }
}

}  // namespace devices::virtio
