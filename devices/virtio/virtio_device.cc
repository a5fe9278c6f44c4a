#include "devices/virtio/virtio_device.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <utility>

#include "devices/event_loop.h"
#include "devices/notifier.h"

namespace devices::virtio {
namespace {

// A driver's writes to the configuration space that the loop did not get to yet; more are stored but not delivered.
constexpr size_t kMostConfigWrites = 4096;

}  // namespace

// Shared with the queues of the time before the reset: the last one without buffers in flight ends it.
struct VirtioDevice::Reset {
  void hold() {
    const std::lock_guard lock(mutex);
    ++holders;
  }
  void release() {
    const std::lock_guard lock(mutex);
    if (--holders == 0) changed.notify_all();
  }
  bool done() {
    const std::lock_guard lock(mutex);
    return holders == 0;
  }
  bool wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, patience, [&] { return holders == 0; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  size_t holders = 0;
};

VirtioDevice::VirtioDevice(EventLoop& loop, Description description)
    : loop_(loop), description_(std::move(description)), config_(description_.config_size) {
  description_.features |= kCommonFeatures;
}

VirtioDevice::~VirtioDevice() { detach(); }

void VirtioDevice::detach() noexcept {
  for (const auto& queue : queues_) {
    if (queue != nullptr) queue->close([] {});
  }
}

hv::Result<void> VirtioDevice::attach(hv::GuestMemory& memory, DriverInterrupts& interrupts) {
  memory_ = &memory;
  interrupts_ = &interrupts;
  for (unsigned i = 0; i < queue_count(); ++i) {
    notifiers_.push_back(TRY(Notifier::create(loop_, [this, i] { handle_kick(i); })));
  }
  return {};
}

void VirtioDevice::post(std::function<void()> task) {
  loop_.post([alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void VirtioDevice::on_loop(std::function<void()> task) {
  if (loop_.on_loop_thread()) return task();
  post(std::move(task));
}

void VirtioDevice::activate(uint64_t features, std::vector<VirtqueueConfig> queues) {
  {
    const std::lock_guard lock(mutex_);
    activation_ = Activation{features, std::move(queues)};
  }
  post([this] { activate_on_loop(); });
}

void VirtioDevice::activate_on_loop() {
  std::optional<Activation> activation;
  {
    const std::lock_guard lock(mutex_);
    activation = std::exchange(activation_, std::nullopt);
  }
  if (!activation) return;
  features_ = activation->features;
  queue_configs_ = std::move(activation->queues);
  queue_configs_.resize(queue_count());
  active_ = true;
  if (const auto made = make_queues(); !made) return fail(made.error());
  on_activate();
  for (unsigned i = 0; i < queue_count(); ++i) handle_kick(i);
}

hv::Result<void> VirtioDevice::make_queues() {
  queues_.assign(queue_count(), nullptr);
  for (unsigned i = 0; i < queue_count(); ++i) {
    const VirtqueueConfig& config = queue_configs_[i];
    if (!config.ready) continue;
    if (config.size > queue_max_size(i)) return hv::error("queue {} has {} entries", i, config.size);
    queues_[i] = TRY(Virtqueue::create(config, features_, *memory_, [this, i] { interrupts_->queue_used(i); }));
  }
  return {};
}

bool VirtioDevice::reset() {
  const auto reset = std::make_shared<Reset>();
  reset_ = reset;
  loop_.run_and_wait([&] { reset_on_loop(reset); });
  return loop_.on_loop_thread() ? reset->done() : reset->wait(description_.reset_patience);
}

bool VirtioDevice::reset_done() const { return reset_ == nullptr || reset_->done(); }

void VirtioDevice::reset_on_loop(const std::shared_ptr<Reset>& reset) {
  {
    const std::lock_guard lock(mutex_);
    activation_.reset();
  }
  const std::vector<std::shared_ptr<Virtqueue>> queues = std::exchange(queues_, {});
  for (const auto& queue : queues) {
    if (queue == nullptr) continue;
    reset->hold();
    queue->close([reset] { reset->release(); });
  }
  failed_ = false;
  if (std::exchange(active_, false)) on_reset();
  features_ = 0;
  queue_configs_.clear();
}

void VirtioDevice::kick(unsigned queue) noexcept {
  if (queue < notifiers_.size()) notifiers_[queue]->notify();
}

int VirtioDevice::kick_fd(unsigned queue) const noexcept { return notifiers_[queue]->fd(); }

void VirtioDevice::handle_kick(unsigned queue_index) {
  if (active_ && !failed_ && queue(queue_index) != nullptr) on_kick(queue_index);
}

Virtqueue* VirtioDevice::queue(unsigned index) noexcept {
  return index < queues_.size() ? queues_[index].get() : nullptr;
}

std::optional<DescriptorChain> VirtioDevice::pop(unsigned queue_index) {
  Virtqueue* const from = queue(queue_index);
  if (from == nullptr || failed_) return std::nullopt;
  auto popped = from->pop();
  if (!popped) {
    fail(hv::Error{fmt::format("queue {}: {}", queue_index, popped.error().message)});
    return std::nullopt;
  }
  return std::move(*popped);
}

void VirtioDevice::fail(const hv::Error& error) {
  if (std::exchange(failed_, true)) return;
  guest_error_.report("{}: {}; the guest has to reset the device", name(), error.message);
  interrupts_->needs_reset();
}

void VirtioDevice::read_config(uint64_t offset, std::span<std::byte> out) const noexcept {
  std::ranges::fill(out, std::byte{0});
  if (offset >= config_.size()) return;
  const std::lock_guard lock(mutex_);
  std::memcpy(out.data(), &config_[offset], std::min<size_t>(out.size(), config_.size() - offset));
}

bool VirtioDevice::is_writable(uint64_t offset, uint64_t size) const noexcept {
  return std::ranges::any_of(description_.writable_config, [&](const ConfigField& field) {
    return offset >= field.offset && offset - field.offset < field.size && size <= field.size - (offset - field.offset);
  });
}

void VirtioDevice::write_config(uint64_t offset, std::span<const std::byte> data) noexcept {
  if (!is_writable(offset, data.size()) || offset + data.size() > config_.size()) return;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy(data, config_.begin() + static_cast<ptrdiff_t>(offset));
    if (config_writes_.size() >= kMostConfigWrites) return;
    config_writes_.push_back({offset, {data.begin(), data.end()}});
    if (config_writes_.size() > 1) return;  // its delivery is on the way
  }
  post([this] { deliver_config_writes(); });
}

void VirtioDevice::deliver_config_writes() {
  std::vector<ConfigWrite> writes;
  {
    const std::lock_guard lock(mutex_);
    writes.swap(config_writes_);
  }
  for (const ConfigWrite& write : writes) on_config_write(write.offset, write.data);
}

void VirtioDevice::store_config(uint64_t offset, std::span<const std::byte> data) {
  if (offset > config_.size() || data.size() > config_.size() - offset) return;
  const std::lock_guard lock(mutex_);
  std::ranges::copy(data, config_.begin() + static_cast<ptrdiff_t>(offset));
  config_generation_.fetch_add(1, std::memory_order_release);
}

void VirtioDevice::notify_config_changed() noexcept {
  if (interrupts_ != nullptr) interrupts_->config_changed();
}

}  // namespace devices::virtio
