#include "devices/virtio/mmio_transport.h"

#include <algorithm>
#include <utility>

#include "hv/base/bits.h"
#include "hv/base/endian.h"

namespace devices::virtio {
namespace {

// VIRTIO 1.2 §4.2.2
enum class Register : uint64_t {
  magic = 0x000,
  version = 0x004,
  device_id = 0x008,
  vendor_id = 0x00c,
  device_features = 0x010,
  device_features_select = 0x014,
  driver_features = 0x020,
  driver_features_select = 0x024,
  queue_select = 0x030,
  queue_size_max = 0x034,
  queue_size = 0x038,
  queue_ready = 0x044,
  queue_notify = MmioTransport::kQueueNotify,
  interrupt_status = 0x060,
  interrupt_acknowledge = 0x064,
  status = 0x070,
  queue_descriptors_low = 0x080,
  queue_descriptors_high = 0x084,
  queue_driver_low = 0x090,
  queue_driver_high = 0x094,
  queue_device_low = 0x0a0,
  queue_device_high = 0x0a4,
  shared_memory_length_low = 0x0b0,
  shared_memory_length_high = 0x0b4,
  shared_memory_base_low = 0x0b8,
  shared_memory_base_high = 0x0bc,
  config_generation = 0x0fc,
};
constexpr uint64_t kConfig = 0x100;

constexpr uint32_t kMagic = 0x7472'6976;  // "virt"
constexpr uint32_t kVersion = 2;
constexpr uint32_t kVendor = 0x4f45'5256;  // "VREO"
constexpr uint32_t kNoSharedMemory = 0xffff'ffff;

// §4.2.2: bits of InterruptStatus.
constexpr uint32_t kUsedBuffer = 1;
constexpr uint32_t kConfigChange = 2;

// §2.1
constexpr uint32_t kAcknowledge = 1;
constexpr uint32_t kDriver = 2;
constexpr uint32_t kDriverOk = 4;
constexpr uint32_t kFeaturesOk = 8;
constexpr uint32_t kNeedsReset = 64;
constexpr uint32_t kFailed = 128;

constexpr uint64_t with_half(uint64_t value, bool high, uint32_t half) {
  return high ? hv::with_bits(value, ~uint64_t{0} << 32, uint64_t{half} << 32)
              : hv::with_bits(value, 0xffff'ffff, half);
}

constexpr uint32_t half_of(uint64_t value, uint32_t select) {
  return select < 2 ? static_cast<uint32_t>(value >> (32 * select)) : 0;
}

}  // namespace

hv::Result<std::unique_ptr<MmioTransport>> MmioTransport::create(std::unique_ptr<VirtioDevice> device,
                                                                 hv::GuestMemory& memory, hv::InterruptLine line) {
  std::unique_ptr<MmioTransport> transport(new MmioTransport(std::move(device), line));
  TRY(transport->device_->attach(memory, *transport));
  return transport;
}

MmioTransport::MmioTransport(std::unique_ptr<VirtioDevice> device, hv::InterruptLine line)
    : queues_(device->queue_count()), line_(line), device_(std::move(device)) {}

uint64_t MmioTransport::bus_read(uint64_t offset, unsigned size) noexcept {
  if (offset >= kConfig) {
    std::byte bytes[sizeof(uint64_t)] = {};
    device_->read_config(offset - kConfig, std::span(bytes).first(size));
    return hv::load_le<uint64_t>(bytes);
  }
  // §4.2.2.2: the driver uses 32-bit aligned accesses only.
  return size == sizeof(uint32_t) ? read_register(offset) : 0;
}

void MmioTransport::bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept {
  if (offset >= kConfig) {
    std::byte bytes[sizeof(uint64_t)];
    hv::store_le(bytes, value);
    device_->write_config(offset - kConfig, std::span(bytes).first(size));
  } else if (size == sizeof(uint32_t)) {
    write_register(offset, static_cast<uint32_t>(value));
  }
}

uint32_t MmioTransport::read_register(uint64_t offset) noexcept {
  switch (static_cast<Register>(offset)) {
    case Register::magic:
      return kMagic;
    case Register::version:
      return kVersion;
    case Register::device_id:
      return device_->device_id();
    case Register::vendor_id:
      return kVendor;
    case Register::config_generation:
      return device_->config_generation();
    case Register::shared_memory_length_low:
    case Register::shared_memory_length_high:
    case Register::shared_memory_base_low:
    case Register::shared_memory_base_high:
      return kNoSharedMemory;
    case Register::interrupt_status: {
      const std::lock_guard lock(interrupt_mutex_);
      return interrupt_reasons_;
    }
    default:
      break;
  }
  const std::lock_guard lock(mutex_);
  switch (static_cast<Register>(offset)) {
    case Register::device_features:
      return half_of(device_->device_features(), device_features_select_);
    case Register::queue_size_max:
      return selected_queue() == nullptr ? 0 : device_->queue_max_size(queue_select_);
    case Register::queue_ready:
      return selected_queue() == nullptr ? 0 : selected_queue()->ready;
    case Register::status:
      return read_status();
    default:
      return 0;
  }
}

void MmioTransport::write_register(uint64_t offset, uint32_t value) noexcept {
  switch (static_cast<Register>(offset)) {
    case Register::queue_notify:
      return device_->kick(value);
    case Register::interrupt_acknowledge:
      return acknowledge(value);
    default:
      break;
  }
  const std::lock_guard lock(mutex_);
  switch (static_cast<Register>(offset)) {
    case Register::device_features_select:
      device_features_select_ = value;
      return;
    case Register::driver_features:
      // §2.2.1, §3.1.1: what FEATURES_OK has settled stays.
      if (driver_features_select_ < 2 && (status_ & kFeaturesOk) == 0) {
        driver_features_ = with_half(driver_features_, driver_features_select_ == 1, value);
      }
      return;
    case Register::driver_features_select:
      driver_features_select_ = value;
      return;
    case Register::queue_select:
      queue_select_ = value;
      return;
    case Register::status:
      return write_status(value);
    default:
      return write_queue_register(offset, value);
  }
}

// §4.2.2.2: the driver sets a queue up before DRIVER_OK, and leaves it alone once it is ready.
void MmioTransport::write_queue_register(uint64_t offset, uint32_t value) noexcept {
  VirtqueueConfig* const queue = selected_queue();
  if (queue == nullptr || (status_ & kDriverOk) != 0) return;
  if (static_cast<Register>(offset) == Register::queue_ready) {
    queue->ready = (value & 1) != 0;
    return;
  }
  if (queue->ready) return;
  switch (static_cast<Register>(offset)) {
    case Register::queue_size:
      queue->size = static_cast<uint16_t>(std::min<uint32_t>(value, 0xffff));
      return;
    case Register::queue_descriptors_low:
    case Register::queue_descriptors_high:
      queue->descriptors.value =
          with_half(queue->descriptors.value, static_cast<Register>(offset) == Register::queue_descriptors_high, value);
      return;
    case Register::queue_driver_low:
    case Register::queue_driver_high:
      queue->driver.value =
          with_half(queue->driver.value, static_cast<Register>(offset) == Register::queue_driver_high, value);
      return;
    case Register::queue_device_low:
    case Register::queue_device_high:
      queue->device.value =
          with_half(queue->device.value, static_cast<Register>(offset) == Register::queue_device_high, value);
      return;
    default:
      return;
  }
}

VirtqueueConfig* MmioTransport::selected_queue() noexcept {
  return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
}

uint32_t MmioTransport::read_status() noexcept {
  if (resetting_ && device_->reset_done()) forget_driver();
  return status_;
}

void MmioTransport::write_status(uint32_t value) noexcept {
  if (resetting_ && !device_->reset_done()) return;
  if (resetting_) forget_driver();
  if (value == 0) return reset_locked();
  // §2.1.1: the driver only adds bits; NEEDS_RESET is the device's.
  uint32_t added = value & (kAcknowledge | kDriver | kFeaturesOk | kDriverOk | kFailed) & ~status_;
  if ((added & kFeaturesOk) != 0 && !features_ok()) added &= ~kFeaturesOk;
  // §3.1.1: a driver that did not settle the features cannot start the device.
  if (((status_ | added) & kFeaturesOk) == 0) added &= ~kDriverOk;
  status_ |= added;
  if ((added & kDriverOk) != 0) device_->activate(driver_features_, queues_);
}

// §2.2.2, §6.2: features that were offered, VERSION_1 among them.
bool MmioTransport::features_ok() const noexcept {
  return (driver_features_ & ~device_->device_features()) == 0 && (driver_features_ & kFeatureVersion1) != 0 &&
         device_->accepts_features(driver_features_);
}

// §2.4: a driver for MMIO goes on at once after writing 0 and may use the queues' memory for something else, so the
// write ends when the device is idle.
void MmioTransport::reset_locked() noexcept {
  resetting_ = true;
  if (device_->reset()) forget_driver();
}

void MmioTransport::reset() noexcept {
  const std::lock_guard lock(mutex_);
  reset_locked();
}

// §4.2.2.1
void MmioTransport::forget_driver() noexcept {
  resetting_ = false;
  device_features_select_ = 0;
  driver_features_select_ = 0;
  driver_features_ = 0;
  queue_select_ = 0;
  std::ranges::fill(queues_, VirtqueueConfig{});
  status_ = 0;
  acknowledge(~uint32_t{0});
}

void MmioTransport::queue_used(unsigned /*queue*/) noexcept { raise(kUsedBuffer); }
void MmioTransport::config_changed() noexcept {
  if ((status_ & kDriverOk) != 0) raise(kConfigChange);
}

// §2.1.2
void MmioTransport::needs_reset() noexcept {
  status_ |= kNeedsReset;
  config_changed();
}

void MmioTransport::raise(uint32_t reason) noexcept {
  const std::lock_guard lock(interrupt_mutex_);
  interrupt_reasons_ |= reason;
  line_.set(true);
}

void MmioTransport::acknowledge(uint32_t reasons) noexcept {
  const std::lock_guard lock(interrupt_mutex_);
  interrupt_reasons_ &= ~reasons;
  line_.set(interrupt_reasons_ != 0);
}

void MmioTransport::save(hv::StateWriter& writer) const {
  writer.section("virtio-mmio", 1, [&] {
    writer.value(device_features_select_);
    writer.value(driver_features_select_);
    writer.value(driver_features_);
    writer.value(queue_select_);
    writer.value(status_.load());
    writer.value(resetting_);
    writer.value(interrupt_reasons_);
    for (const VirtqueueConfig& queue : queues_) queue.save(writer);
    device_->save(writer);
  });
}

hv::Result<void> MmioTransport::load(hv::StateReader& reader) {
  reader.section("virtio-mmio", 1, [&](uint32_t) {
    reader.value(device_features_select_);
    reader.value(driver_features_select_);
    reader.value(driver_features_);
    reader.value(queue_select_);
    status_ = reader.value<uint32_t>();
    reader.value(resetting_);
    reader.value(interrupt_reasons_);
    for (VirtqueueConfig& queue : queues_) queue.load(reader);
    if (const auto loaded = device_->load(reader); !loaded) return reader.fail(loaded.error().message);
    line_.set(interrupt_reasons_ != 0);
  });
  return reader.status();
}

}  // namespace devices::virtio
