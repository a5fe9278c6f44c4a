#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hv {

class AlarmService;

/// A one-shot timer. `set` and `cancel` may be called from any thread, also from a callback.
class Alarm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `callback` runs on the service's thread, without its lock held; it must be short and must not throw.
  Alarm(AlarmService& service, std::function<void()> callback);
  /// Waits for a running callback to end (unless called from it).
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  void set(Time when) noexcept;  ///< replaces an earlier time
  void cancel() noexcept;

 private:
  friend class AlarmService;
  AlarmService& service_;
  std::function<void()> callback_;
  Time when_ = Time::max();  ///< guarded by the service's mutex; max stands for not set
};

/// The thread that waits for all alarms of a machine. Guest timers stand on it, so that no vCPU polls a clock.
class AlarmService {
 public:
  AlarmService();
  ~AlarmService();  ///< All alarms are gone by then.

 private:
  friend class Alarm;
  void loop();

  void run(Alarm& alarm, std::unique_lock<std::mutex>& lock);
  Alarm* earliest() const noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;  ///< an alarm is earlier than `wake_at_`, or `stop_`
  std::condition_variable idle_;     ///< a callback ended
  std::vector<Alarm*> alarms_;       ///< all that exist; a machine has a few, so a scan beats a heap
  Alarm* running_ = nullptr;         ///< nullptr also when it was destroyed by its own callback
  Alarm::Time wake_at_ = Alarm::Time::max();
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace hv
