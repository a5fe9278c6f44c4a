#include "devices/backend/char/raw_mode.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "hv/base/log.h"

namespace devices {
namespace {

/// What the signal handlers know. `fd` is -1 while no terminal is in use.
std::atomic<int> terminal_fd{-1};
std::atomic<bool> terminal_is_raw{false};
termios original;  ///< written before `terminal_is_raw` is set

constexpr std::array kEndingSignals = {SIGHUP, SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU,
                                       SIGILL, SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,  SIGSEGV, SIGSYS,  SIGXFSZ};

/// A terminal that is not the controlling one has no foreground to respect.
bool in_foreground(int fd) {
  const pid_t group = ::tcgetpgrp(fd);
  return group < 0 || group == ::getpgrp();
}

/// tcsetattr without being stopped by SIGTTOU, which a background program would be.
bool set_attributes(int fd, const termios& attributes) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  int result = 0;
  do {
    result = ::tcsetattr(fd, TCSANOW, &attributes);
  } while (result != 0 && errno == EINTR);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result == 0;
}

bool make_raw() {
  const int fd = terminal_fd.load();
  if (fd < 0 || !in_foreground(fd)) return true;
  if (terminal_is_raw.load()) return true;
  if (::tcgetattr(fd, &original) != 0) return false;
  termios raw = original;
  ::cfmakeraw(&raw);
  terminal_is_raw.store(true);
  return set_attributes(fd, raw);
}

void restore() {
  const int fd = terminal_fd.load();
  if (terminal_is_raw.exchange(false)) set_attributes(fd, original);
}

void on_ending_signal(int number) {
  restore();
  // The signal is blocked here; it ends the program as soon as this returns.
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void on_stop(int number);

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

void on_stop(int number) {
  const int saved_errno = errno;
  restore();
  ::signal(number, SIG_DFL);
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, number);
  ::raise(number);
  pthread_sigmask(SIG_UNBLOCK, &stop, &before);  // the program stops here
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  handle(number, on_stop);
  make_raw();
  errno = saved_errno;
}

/// The shell may have used the terminal meanwhile, also after a SIGSTOP, of which nobody is told.
void on_continue(int) {
  const int saved_errno = errno;
  const int fd = terminal_fd.load();
  if (fd >= 0 && in_foreground(fd)) {
    terminal_is_raw.store(false);
    make_raw();
  }
  errno = saved_errno;
}

struct Handler {
  int signal;
  void (*function)(int);
};
std::array<Handler, kEndingSignals.size() + 2> handlers() {
  std::array<Handler, kEndingSignals.size() + 2> all{};
  for (size_t i = 0; i < kEndingSignals.size(); ++i) all[i] = {kEndingSignals[i], on_ending_signal};
  all[kEndingSignals.size()] = {SIGTSTP, on_stop};
  all[kEndingSignals.size() + 1] = {SIGCONT, on_continue};
  return all;
}

/// Only where nobody else handles the signal: a handler of the program's own leads to the destructor or to exit().
void install_handlers() {
  for (const auto& [number, function] : handlers()) {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    if ((present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_DFL) handle(number, function);
  }
}

void remove_handlers() {
  for (const auto& [number, function] : handlers()) {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    if ((present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == function) ::signal(number, SIG_DFL);
  }
}

}  // namespace

hv::Result<std::unique_ptr<RawMode>> RawMode::enter(int fd) {
  hv::UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return hv::os_error("the terminal");
  int none = -1;
  if (!terminal_fd.compare_exchange_strong(none, own.get())) return hv::error("the terminal is already in use");
  static const bool at_exit = std::atexit(restore) == 0 && std::at_quick_exit(restore) == 0;
  install_handlers();
  auto mode = std::unique_ptr<RawMode>(new RawMode(std::move(own), ::isatty(STDERR_FILENO) == 1));
  if (!at_exit || !make_raw()) return hv::os_error("the terminal cannot be made raw");
  return mode;
}

RawMode::RawMode(hv::UniqueFd fd, bool log_shares_terminal)
    : fd_(std::move(fd)), log_shares_terminal_(log_shares_terminal) {
  if (log_shares_terminal_) hv::log::set_line_end("\r\n");
}

RawMode::~RawMode() {
  restore();
  terminal_fd.store(-1);
  remove_handlers();
  if (log_shares_terminal_) hv::log::set_line_end("\n");
}

}  // namespace devices
