#include "hv/core/alarm.h"

#include <algorithm>

#include <sys/prctl.h>

#include "hv/base/check.h"

namespace hv {

Alarm::Alarm(AlarmService& service, std::function<void()> callback)
    : service_(service), callback_(std::move(callback)) {
  const std::lock_guard lock(service_.mutex_);
  service_.alarms_.push_back(this);
}

Alarm::~Alarm() {
  std::unique_lock lock(service_.mutex_);
  std::erase(service_.alarms_, this);
  if (service_.running_ != this) return;
  if (service_.thread_.get_id() == std::this_thread::get_id()) {
    service_.running_ = nullptr;
  } else {
    service_.idle_.wait(lock, [this] { return service_.running_ != this; });
  }
}

void Alarm::set(Time when) noexcept {
  const std::lock_guard lock(service_.mutex_);
  when_ = when;
  if (when < service_.wake_at_) service_.changed_.notify_one();
}

void Alarm::cancel() noexcept {
  const std::lock_guard lock(service_.mutex_);
  when_ = Time::max();
}

AlarmService::AlarmService() {
  const std::lock_guard lock(mutex_);  // the thread reads thread_ no sooner than it is assigned
  thread_ = std::thread([this] { loop(); });
}

AlarmService::~AlarmService() {
  {
    const std::lock_guard lock(mutex_);
    CHECK(alarms_.empty());
    stop_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

void AlarmService::loop() {
  // A guest's timer should not be late by the 50 us that Linux adds to the sleep of an ordinary thread.
  ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Alarm* const next = earliest();
    wake_at_ = next == nullptr ? Alarm::Time::max() : next->when_;
    if (wake_at_ == Alarm::Time::max()) {
      changed_.wait(lock);
    } else if (wake_at_ > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, wake_at_);
    } else {
      run(*next, lock);
    }
  }
}

void AlarmService::run(Alarm& alarm, std::unique_lock<std::mutex>& lock) {
  alarm.when_ = Alarm::Time::max();
  running_ = &alarm;
  // The callback may destroy its alarm; until then the alarm's own copy is out of the way.
  std::function<void()> callback = std::move(alarm.callback_);
  lock.unlock();
  callback();
  lock.lock();
  if (running_ == &alarm) alarm.callback_ = std::move(callback);
  running_ = nullptr;
  idle_.notify_all();
}

Alarm* AlarmService::earliest() const noexcept {
  const auto found = std::ranges::min_element(alarms_, {}, &Alarm::when_);
  return found == alarms_.end() ? nullptr : *found;
}

}  // namespace hv
