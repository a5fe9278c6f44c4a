#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "devices/backend/disk/file_io.h"

namespace devices {

/// File operations on a few threads of its own, which start when there is work for them.
class ThreadIo final : public FileIo {
 public:
  explicit ThreadIo(EventLoop& loop, unsigned threads = 4);
  ~ThreadIo() override;  ///< waits for the operations in flight

  void start(IoRequest& request) noexcept override;
  void wait() noexcept override;
  size_t in_flight() const noexcept override { return in_flight_; }
  const char* name() const noexcept override { return "threads"; }

 private:
  /// What the workers share with the loop; a task on the loop may find that the engine is gone.
  struct Shared {
    std::mutex mutex;
    std::condition_variable work;  ///< `waiting` has something, or `stop`
    std::condition_variable done;  ///< `finished` has something
    IoQueue waiting;
    IoQueue finished;
    unsigned idle = 0;
    bool stop = false;
    bool announced = false;     ///< a task that completes `finished` is on its way to the loop
    ThreadIo* owner = nullptr;  ///< the loop's; null once destroyed
  };

  static void work(const std::shared_ptr<Shared>& shared, EventLoop& loop);
  void add_thread() noexcept;
  void perform_waiting() noexcept;
  void complete_finished() noexcept;

  EventLoop& loop_;
  const unsigned most_threads_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
  size_t in_flight_ = 0;
};

}  // namespace devices
