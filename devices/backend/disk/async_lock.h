#pragma once

#include <coroutine>
#include <deque>
#include <utility>

#include "hv/base/check.h"

namespace devices {

/// Coroutines that wait for something on one event loop.
class WaitQueue {
 public:
  /// `co_await queue.wait()` sleeps until a later `wake_all` or `wake_one`.
  auto wait() noexcept {
    struct Awaiter {
      WaitQueue& queue;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const { queue.waiting_.push_back(waiting); }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

  void wake_all() {
    std::deque<std::coroutine_handle<>> woken;
    woken.swap(waiting_);
    for (const std::coroutine_handle<> coroutine : woken) coroutine.resume();
  }
  void wake_one() {
    if (waiting_.empty()) return;
    const std::coroutine_handle<> coroutine = waiting_.front();
    waiting_.pop_front();
    coroutine.resume();
  }
  bool empty() const noexcept { return waiting_.empty(); }

 private:
  std::deque<std::coroutine_handle<>> waiting_;
};

/// A mutex for the coroutines of one event loop: first come, first served.
class AsyncLock {
 public:
  class [[nodiscard]] Guard {
   public:
    explicit Guard(AsyncLock& lock) noexcept : lock_(&lock) {}
    Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() { unlock(); }
    void unlock() {
      if (lock_ != nullptr) std::exchange(lock_, nullptr)->unlock();
    }

   private:
    AsyncLock* lock_;
  };

  /// `const AsyncLock::Guard guard = co_await lock.acquire();`
  auto acquire() noexcept {
    struct Awaiter {
      AsyncLock& lock;
      bool await_ready() const noexcept {
        if (lock.locked_) return false;
        lock.locked_ = true;
        return true;
      }
      void await_suspend(std::coroutine_handle<> waiting) const { lock.waiting_.push_back(waiting); }
      Guard await_resume() const noexcept { return Guard(lock); }
    };
    return Awaiter{*this};
  }
  bool locked() const noexcept { return locked_; }

 private:
  // The lock passes straight to the first one that waits, so that nobody overtakes. One that comes here while another
  // is being resumed leaves the rest to that loop: the stack does not grow with the number of those that wait.
  void unlock() {
    CHECK(locked_);
    released_ = true;
    if (passing_on_) return;
    passing_on_ = true;
    while (released_) {
      released_ = false;
      if (waiting_.empty()) {
        locked_ = false;
        break;
      }
      const std::coroutine_handle<> next = waiting_.front();
      waiting_.pop_front();
      next.resume();
    }
    passing_on_ = false;
  }

  bool locked_ = false;
  bool released_ = false;    ///< by its holder, and not passed on yet
  bool passing_on_ = false;  ///< the loop in `unlock` runs
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace devices
