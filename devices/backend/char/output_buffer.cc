#include "devices/backend/char/output_buffer.h"

#include <algorithm>
#include <utility>

namespace devices {

OutputBuffer::Pushed OutputBuffer::push(std::span<const std::byte> data) {
  const std::lock_guard lock(mutex_);
  const size_t taken = std::min(data.size(), kCapacity - data_.size());
  data_.insert(data_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(taken));
  if (taken < data.size()) short_ = true;
  const bool wake = drainer_ == Drainer::asleep || (drainer_ == Drainer::lingering && data_.size() >= kCapacity / 2);
  if (wake) drainer_ = Drainer::awake;
  return {taken, wake};
}

bool OutputBuffer::take(std::vector<std::byte>& out) {
  const std::lock_guard lock(mutex_);
  drainer_ = data_.empty() ? Drainer::asleep : Drainer::awake;
  std::swap(data_, out);
  return !out.empty();
}

void OutputBuffer::linger() {
  const std::lock_guard lock(mutex_);
  drainer_ = data_.size() >= kCapacity / 2 ? Drainer::awake : Drainer::lingering;
}

bool OutputBuffer::was_short() {
  const std::lock_guard lock(mutex_);
  return std::exchange(short_, false);
}

void OutputBuffer::clear() {
  const std::lock_guard lock(mutex_);
  data_.clear();
}

}  // namespace devices
