#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "hv/base/check.h"
#include "hv/base/result.h"

namespace devices {

template <typename T>
class Task;

/// How a Task and the coroutine that awaits it find each other. Nothing here is atomic: a task and all that it awaits
/// run on one event loop.
class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> task) const noexcept {
      // The continuation may destroy the task: nothing of it is touched afterwards.
      const TaskPromiseBase& promise = task.promise();
      if (!promise.starting_ && promise.continuation_) promise.continuation_.resume();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }

 private:
  template <typename T>
  friend class Task;

  std::coroutine_handle<> continuation_;
  /// True while `Task::await_suspend` runs the task's first part: a task that ends there does not resume its awaiter,
  /// which simply goes on. So a loop over tasks that need not wait uses no stack, whatever the compiler makes of tail
  /// calls.
  bool starting_ = false;
};

/// A coroutine that starts when it is awaited and belongs to whoever holds the Task. It costs one allocation, and none
/// for each step; an asio::awaitable would cost one for each asynchronous operation, and a disk request has several.
template <typename T>
class [[nodiscard]] Task {
 public:
  class promise_type : public TaskPromiseBase {
   public:
    Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    template <typename U>
    void return_value(U&& value) {
      value_.emplace(std::forward<U>(value));
    }

   private:
    friend class Task;
    std::optional<T> value_;
  };

  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    TaskPromiseBase& promise = coroutine_.promise();
    promise.continuation_ = awaiting;
    return !start();
  }
  T await_resume() { return take(); }

  /// For a caller that is no coroutine: runs up to the first wait and returns whether the task has ended already.
  bool start() noexcept {
    TaskPromiseBase& promise = coroutine_.promise();
    promise.starting_ = true;
    coroutine_.resume();
    promise.starting_ = false;
    return coroutine_.done();
  }
  bool done() const noexcept { return coroutine_.done(); }
  /// The value of a task that has ended, once.
  T take() {
    CHECK(coroutine_.promise().value_.has_value());
    return std::move(*coroutine_.promise().value_);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

/// A coroutine that starts at once and owns itself: the outermost one, which hands its result to somebody before it
/// ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace devices

// TRY for coroutines. They are statements, since GCC 12 fails on a co_await inside a statement expression.

/// Ends the coroutine with the error of a Result, if it is one.
#define CO_TRY(...)                                                                                            \
  do {                                                                                                         \
    if (auto try_result = (__VA_ARGS__); !try_result) co_return tl::unexpected(std::move(try_result).error()); \
  } while (false)

/// Declares `name` as the value of a Result, or ends the coroutine with its error.
#define CO_LET(name, ...)                                                         \
  auto name##_result = (__VA_ARGS__);                                             \
  if (!name##_result) co_return tl::unexpected(std::move(name##_result).error()); \
  auto& name = *name##_result
