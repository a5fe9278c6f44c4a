#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace boost::asio {
class io_context;
}

namespace devices {

/// One Boost.Asio io_context and the thread that runs it. Devices do all their work on a loop, none on a vCPU thread.
///
/// Between `stop` and `start` the loop stands still and keeps what is pending: that is when devices are saved, loaded,
/// made and destroyed. A loop outlives the devices on it.
class EventLoop {
 public:
  explicit EventLoop(std::string name);  ///< the thread's name, up to 15 characters
  ~EventLoop();                          ///< stops; pending tasks are destroyed without being run
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// `start` and `stop` are called by the machine's owner, never by the loop's own thread.
  void start();
  void stop() noexcept;

  boost::asio::io_context& context() noexcept { return *context_; }

  /// Runs `task` on the loop, after what was posted before. Any thread; returns at once.
  void post(std::function<void()> task);
  /// Runs `task` on the loop and waits for its end. On the loop's own thread, or while the loop stands still, it runs
  /// at once; also when the loop is stopped before the task's turn came. Any thread, but one at a time while it stands
  /// still.
  void run_and_wait(const std::function<void()>& task);

  bool on_loop_thread() const noexcept;

 private:
  std::string name_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::thread thread_;
  std::mutex mutex_;                 ///< guards `running_`, and who runs a task of `run_and_wait`
  std::condition_variable changed_;  ///< the loop stopped, or such a task ended
  bool running_ = false;
};

}  // namespace devices
