#include "devices/event_loop.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "hv/base/check.h"

namespace devices {
namespace {

thread_local const EventLoop* loop_of_this_thread = nullptr;

/// A thread that leaves the signals sent to the program to its other threads, and takes only those of its own faults.
template <typename Body>
std::thread thread_without_signals(Body body) {
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

EventLoop::EventLoop(std::string name)
    : name_(std::move(name)), context_(std::make_unique<boost::asio::io_context>(/*concurrency_hint=*/1)) {
  CHECK(name_.size() <= 15);  // pthread_setname_np
}

EventLoop::~EventLoop() { stop(); }

void EventLoop::start() {
  CHECK(!on_loop_thread());
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return;
  context_->restart();
  thread_ = thread_without_signals([this] {
    loop_of_this_thread = this;
    pthread_setname_np(pthread_self(), name_.c_str());
    const auto work = boost::asio::make_work_guard(*context_);
    context_->run();
  });
  running_ = true;
}

void EventLoop::stop() noexcept {
  CHECK(!on_loop_thread());
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) return;
    context_->stop();
  }
  thread_.join();
  const std::lock_guard lock(mutex_);
  running_ = false;
  changed_.notify_all();
}

void EventLoop::post(std::function<void()> task) { boost::asio::post(*context_, std::move(task)); }

void EventLoop::run_and_wait(const std::function<void()>& task) {
  if (on_loop_thread()) return task();
  struct Call {
    bool claimed = false;
    bool done = false;
  };
  const auto call = std::make_shared<Call>();
  std::unique_lock lock(mutex_);
  if (running_) {
    post([this, call, &task] {
      {
        const std::lock_guard claim(mutex_);
        if (call->claimed) return;  // its caller ran it when the loop stopped, and `task` is gone
        call->claimed = true;
      }
      task();
      const std::lock_guard finish(mutex_);
      call->done = true;
      changed_.notify_all();
    });
    changed_.wait(lock, [&] { return call->done || !running_; });
    if (call->done) return;
    call->claimed = true;
  }
  lock.unlock();
  task();
}

bool EventLoop::on_loop_thread() const noexcept { return loop_of_this_thread == this; }

}  // namespace devices
