#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>

#include <sys/uio.h>

#include "devices/backend/disk/task.h"
#include "hv/base/result.h"

namespace devices {

class EventLoop;
class FileIo;

/// One operation on a file descriptor, or one function that takes too long for an event loop. Filled in and awaited:
/// `const int64_t result = co_await request.run(io);`. The request and what it points at stay until then.
struct IoRequest {
  enum class Op : uint8_t {
    read,   ///< preadv: fewer bytes than asked for at the end of the file, or any number
    write,  ///< pwritev
    sync,   ///< fdatasync
    punch,  ///< the range becomes a hole that reads as zeros; the size stays
    zero,   ///< the range reads as zeros and keeps its space; the size stays
    call,   ///< `function(argument)` on another thread
  };
  Op op = Op::read;
  int fd = -1;
  uint64_t offset = 0;
  const iovec* iovecs = nullptr;
  unsigned iovec_count = 0;  ///< up to IOV_MAX
  uint64_t length = 0;       ///< of punch and zero
  int64_t (*function)(void*) noexcept = nullptr;
  void* argument = nullptr;

  // The engine's.
  IoRequest* next = nullptr;
  int64_t result = 0;

  /// Gives what the system call gave, or -errno.
  auto run(FileIo& io) noexcept;
  /// Called by the engine, once, on the loop.
  void complete(int64_t value) noexcept {
    result = value;
    finished_ = true;
    if (waiting_) std::exchange(waiting_, {}).resume();
  }

 private:
  friend class FileIo;
  std::coroutine_handle<> waiting_;
  bool finished_ = false;
};

/// Requests, first in, first out.
class IoQueue {
 public:
  void push(IoRequest& request) noexcept {
    request.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &request;
    last_ = &request;
  }
  IoRequest* pop() noexcept {
    IoRequest* const request = first_;
    if (request != nullptr) first_ = request->next;
    return request;
  }
  bool empty() const noexcept { return first_ == nullptr; }

 private:
  IoRequest* first_ = nullptr;
  IoRequest* last_ = nullptr;
};

enum class IoEngine { automatic, io_uring, threads };

/// Asynchronous file operations for one event loop.
///
/// All functions are called on the loop, or by the machine's owner while the loop stands still.
class FileIo {
 public:
  virtual ~FileIo() = default;

  /// Begins `request`. Its `complete` may be called before this returns.
  virtual void start(IoRequest& request) noexcept = 0;
  /// Waits for at least one operation in flight to end, and completes those that have. At once where there is none.
  virtual void wait() noexcept = 0;
  virtual size_t in_flight() const noexcept = 0;
  virtual const char* name() const noexcept = 0;

  /// Waits for all operations, and those that follow from them, to end.
  void drain() noexcept {
    while (in_flight() != 0) wait();
  }
  /// Runs `task` to its end on the calling thread.
  template <typename T>
  T run(Task<T> task) noexcept {
    if (!task.start()) {
      while (!task.done()) wait();
    }
    return task.take();
  }
};

inline auto IoRequest::run(FileIo& io) noexcept {
  struct Awaiter {
    IoRequest& request;
    FileIo& io;
    bool await_ready() const noexcept {
      request.finished_ = false;
      io.start(request);
      return request.finished_;
    }
    void await_suspend(std::coroutine_handle<> waiting) const noexcept { request.waiting_ = waiting; }
    int64_t await_resume() const noexcept { return request.result; }
  };
  return Awaiter{*this, io};
}

/// What the request says, done by the calling thread.
int64_t perform_blocking(const IoRequest& request) noexcept;

/// `automatic` takes io_uring where the kernel allows it and threads otherwise.
/// Error: the engine asked for is not to be had.
hv::Result<std::shared_ptr<FileIo>> create_file_io(IoEngine engine, EventLoop& loop);

/// Nothing where io_uring can be used, otherwise why it cannot.
std::string io_uring_obstacle();

}  // namespace devices
