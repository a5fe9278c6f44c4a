#include "vmm/machine/machine.h"

#include <algorithm>
#include <pthread.h>

#include "hv/base/log.h"
#include "hv/core/vcpu.h"
#include "vmm/machine/platform.h"

namespace vmm {

Machine::Machine() = default;

Machine::~Machine() { stop_threads(); }

hv::Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& config, devices::CharBackend& console,
                                                     devices::EventLoop& loop) {
  std::unique_ptr<Machine> machine(new Machine);
  machine->platform_ = TRY(Platform::create(config, {console, loop, *machine}));
  return machine;
}

hv::Result<MachineExit> Machine::run(std::optional<std::chrono::milliseconds> timeout) {
  std::optional<Deadline> deadline;
  if (timeout) deadline = std::chrono::steady_clock::now() + *timeout;
  Request request = Request::none;
  while (request != Request::end) {
    TRY(platform_->power_on());
    start_threads();
    request = wait(deadline);
    stop_threads();
    if (request == Request::reboot) hv::log::info("the guest reboots");
  }
  const std::lock_guard lock(mutex_);
  if (failure_) return tl::unexpected(*failure_);
  return exit_;
}

void Machine::start_threads() {
  platform_->start();
  for (size_t i = 0; i < platform_->vcpu_count(); ++i) {
    threads_.emplace_back([this, i] { run_vcpu(i); });
    ::pthread_setname_np(threads_.back().native_handle(), fmt::format("vcpu{}", i).c_str());
  }
}

void Machine::stop_threads() noexcept {
  if (threads_.empty()) return;
  for (size_t i = 0; i < platform_->vcpu_count(); ++i) platform_->vcpu(i).request_exit();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  platform_->stop();
}

void Machine::run_vcpu(size_t index) noexcept {
  hv::Result<hv::Exit> result = platform_->vcpu(index).run();
  if (!result) return fail(std::move(result).error());
  switch (result->reason) {
    case hv::Exit::Reason::requested:
      return;
    case hv::Exit::Reason::shutdown:
      return power_off(result->code);
    case hv::Exit::Reason::reboot:
      return reboot();
    case hv::Exit::Reason::crashed:
      return crash(std::move(result->detail));
  }
}

Machine::Request Machine::wait(std::optional<Deadline> deadline) {
  constexpr std::chrono::milliseconds kLastWords{500};
  std::unique_lock lock(mutex_);
  MachineExit at_deadline{MachineExit::Reason::timed_out, 0, {}};
  bool panicked = false;
  while (request_ == Request::none) {
    if (panic_ && !panicked) {
      panicked = true;
      const Deadline last_words = std::chrono::steady_clock::now() + kLastWords;
      deadline = deadline ? std::min(*deadline, last_words) : last_words;
      at_deadline = *panic_;
    }
    if (!deadline) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, *deadline) == std::cv_status::timeout && request_ == Request::none) {
      exit_ = at_deadline;
      request_ = Request::end;
    }
  }
  const Request request = request_;
  if (request == Request::reboot) request_ = Request::none;
  return request;
}

/// The first to end the machine says why; a reboot that was asked for before does not happen any more.
void Machine::ask_to_end(MachineExit exit) noexcept {
  const std::lock_guard lock(mutex_);
  if (request_ == Request::end) return;
  request_ = Request::end;
  exit_ = panic_ ? std::move(*panic_) : std::move(exit);
  changed_.notify_all();
}

void Machine::stop() noexcept { ask_to_end({MachineExit::Reason::stopped, 0, {}}); }
bool Machine::press_power_button() noexcept { return platform_->press_power_button(); }
void Machine::power_off(int code) noexcept { ask_to_end({MachineExit::Reason::power_off, code, {}}); }
void Machine::crash(std::string detail) noexcept { ask_to_end({MachineExit::Reason::crashed, 0, std::move(detail)}); }

void Machine::reboot() noexcept {
  const std::lock_guard lock(mutex_);
  if (request_ != Request::none) return;
  request_ = panic_ ? Request::end : Request::reboot;
  if (panic_) exit_ = std::move(*panic_);
  changed_.notify_all();
}

void Machine::expect_crash(std::string detail) noexcept {
  const std::lock_guard lock(mutex_);
  panic_ = MachineExit{MachineExit::Reason::crashed, 0, std::move(detail)};
  changed_.notify_all();
}

void Machine::fail(hv::Error error) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(error);
  }
  ask_to_end({MachineExit::Reason::crashed, 0, {}});
}

uint64_t Machine::memory_size() const noexcept { return platform_->memory_size(); }
Report Machine::jit_report() { return platform_->jit_report(); }

}  // namespace vmm
