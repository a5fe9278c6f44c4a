#include "hv/kvm/kick.h"

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <sys/syscall.h>

namespace hv::kvm {
namespace {

static_assert(std::atomic<int>::is_always_lock_free);

/// The first of the real-time signals that the C library leaves to programs.
int kick_signal() noexcept { return SIGRTMIN; }

/// Its arrival is all that it is for.
void install_handler() noexcept {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(kick_signal(), &action, nullptr);
}

}  // namespace

std::atomic_ref<uint8_t> Kick::immediate_exit() noexcept { return std::atomic_ref<uint8_t>(run_.immediate_exit); }

void Kick::enter() noexcept {
  static const bool installed = (install_handler(), true);
  static_cast<void>(installed);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, kick_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  thread_ = static_cast<int>(::syscall(SYS_gettid));
}

void Kick::request() noexcept {
  requested_ = 1;
  immediate_exit() = 1;
  if (const int thread = thread_; thread != 0) {
    const int kept = errno;
    ::syscall(SYS_tgkill, ::getpid(), thread, kick_signal());
    errno = kept;
  }
}

bool Kick::take_request() noexcept {
  immediate_exit() = 0;
  return requested_.exchange(0) != 0;
}

void Kick::only_finish() noexcept { immediate_exit() = 1; }

}  // namespace hv::kvm
