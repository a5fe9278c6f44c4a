#include "tests/support/virtio_guest.h"

#include <thread>

#include "hv/base/check.h"

namespace test {

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}

VirtioGuest::VirtioGuest(const MakeDevice& make) : loop("virtio-test"), make_(make), transport_(make_transport()) {
  loop.start();
}

VirtioGuest::~VirtioGuest() { loop.stop(); }

std::unique_ptr<devices::virtio::MmioTransport> VirtioGuest::make_transport() {
  auto transport = devices::virtio::MmioTransport::create(make_(loop), ram.memory(), hv::InterruptLine(interrupt, 1));
  CHECK(transport.has_value());
  return std::move(*transport);
}

uint64_t VirtioGuest::device_features() {
  uint64_t features = 0;
  for (const uint32_t half : {0u, 1u}) {
    write(kDeviceFeaturesSelect, half);
    features |= uint64_t{read(kDeviceFeatures)} << (32 * half);
  }
  return features;
}

bool VirtioGuest::negotiate(uint64_t features) {
  features_ = features | devices::virtio::kFeatureVersion1;
  write(kStatus, kAcknowledge);
  write(kStatus, kAcknowledge | kDriver);
  for (const uint32_t half : {0u, 1u}) {
    write(kDriverFeaturesSelect, half);
    write(kDriverFeatures, static_cast<uint32_t>(features_ >> (32 * half)));
  }
  write(kStatus, kAcknowledge | kDriver | kFeaturesOk);
  queues_.clear();
  queues_.resize(transport_->device().queue_count());
  return (read(kStatus) & kFeaturesOk) != 0;
}

void VirtioGuest::write_address(uint64_t offset, hv::GuestAddress address) {
  write(offset, static_cast<uint32_t>(address.value));
  write(offset + 4, static_cast<uint32_t>(address.value >> 32));
}

void VirtioGuest::set_up_queue(unsigned index, uint16_t size) {
  write(kQueueSelect, index);
  if (size == 0) size = static_cast<uint16_t>(read(kQueueSizeMax));
  queues_[index] = DriverQueue::create(ram, size, features_);
  const auto& config = queues_[index]->config();
  write(kQueueSize, config.size);
  write_address(kQueueDescriptors, config.descriptors);
  write_address(kQueueDriver, config.driver);
  write_address(kQueueDevice, config.device);
  write(kQueueReady, 1);
}

void VirtioGuest::driver_ok() { write(kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk); }

void VirtioGuest::start(uint64_t features, uint16_t queue_size) {
  CHECK(negotiate(features));
  for (unsigned i = 0; i < queues_.size(); ++i) set_up_queue(i, queue_size);
  driver_ok();
}

uint16_t VirtioGuest::submit(unsigned queue, const Request& request) {
  const uint16_t id = queues_[queue]->submit(request);
  if (queues_[queue]->wants_kick()) kick(queue);
  return id;
}

Used VirtioGuest::wait_used(unsigned queue) {
  std::optional<Used> used;
  eventually([&] { return (used = queues_[queue]->take_used()).has_value(); });
  return used.value_or(Used{0xffff, 0});
}

Used VirtioGuest::exchange(unsigned queue, const Request& request) {
  const uint16_t id = submit(queue, request);
  const Used used = wait_used(queue);
  CHECK(used.id == id);
  return used;
}

bool VirtioGuest::wait_interrupt(uint32_t reason) {
  if (!eventually([&] { return interrupt.level() && (read(kInterruptStatus) & reason) != 0; })) return false;
  write(kInterruptAcknowledge, reason);
  return true;
}

// Several times: what runs first may leave a kick, which the loop notices when it next looks at its descriptors.
void VirtioGuest::settle() {
  for (int i = 0; i < 4; ++i) loop.run_and_wait([] {});
}

void VirtioGuest::save_and_restore() {
  loop.stop();
  hv::StateWriter writer;
  transport_->save(writer);
  transport_.reset();
  transport_ = make_transport();
  hv::StateReader reader(writer.data());
  CHECK(transport_->load(reader).has_value());
  loop.start();
}

}  // namespace test
