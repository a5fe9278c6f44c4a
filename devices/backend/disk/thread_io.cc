#include "devices/backend/disk/thread_io.h"

#include <pthread.h>
#include <signal.h>
#include <system_error>

#include "devices/event_loop.h"
#include "hv/base/log.h"

namespace devices {

ThreadIo::ThreadIo(EventLoop& loop, unsigned threads)
    : loop_(loop), most_threads_(threads), shared_(std::make_shared<Shared>()) {
  shared_->owner = this;
}

ThreadIo::~ThreadIo() {
  drain();
  shared_->owner = nullptr;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->work.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadIo::start(IoRequest& request) noexcept {
  ++in_flight_;
  bool more_threads = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.push(request);
    more_threads = shared_->idle == 0 && threads_.size() < most_threads_;
  }
  if (more_threads) add_thread();
  shared_->work.notify_one();
  if (threads_.empty()) perform_waiting();
}

void ThreadIo::add_thread() noexcept {
  try {
    threads_.emplace_back([shared = shared_, &loop = loop_] { work(shared, loop); });
    ::pthread_setname_np(threads_.back().native_handle(), "disk-io");
  } catch (const std::system_error& failure) {
    hv::log::warn("no more threads for disks: {}", failure.what());
  }
}

// What is left where the host gives not even one thread.
void ThreadIo::perform_waiting() noexcept {
  while (IoRequest* const request = shared_->waiting.pop()) {
    --in_flight_;
    request->complete(perform_blocking(*request));
  }
}

void ThreadIo::work(const std::shared_ptr<Shared>& shared, EventLoop& loop) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // signals are for the program's other threads
  std::unique_lock lock(shared->mutex);
  while (true) {
    IoRequest* const request = shared->waiting.pop();
    if (request == nullptr) {
      if (shared->stop) return;
      ++shared->idle;
      shared->work.wait(lock);
      --shared->idle;
      continue;
    }
    lock.unlock();
    request->result = perform_blocking(*request);
    lock.lock();
    shared->finished.push(*request);
    shared->done.notify_one();
    if (shared->announced) continue;
    shared->announced = true;
    lock.unlock();
    loop.post([shared] {
      if (shared->owner != nullptr) shared->owner->complete_finished();
    });
    lock.lock();
  }
}

void ThreadIo::wait() noexcept {
  if (in_flight_ == 0) return;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->done.wait(lock, [this] { return !shared_->finished.empty(); });
  }
  complete_finished();
}

void ThreadIo::complete_finished() noexcept {
  IoQueue finished;
  {
    const std::lock_guard lock(shared_->mutex);
    std::swap(finished, shared_->finished);
    shared_->announced = false;
  }
  while (IoRequest* const request = finished.pop()) {
    --in_flight_;
    request->complete(request->result);
  }
}

}  // namespace devices
