#include "vmm/cli/session.h"

#include <atomic>
#include <csignal>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "devices/backend/char/open.h"
#include "devices/event_loop.h"
#include "hv/base/log.h"
#include "vmm/cli/command.h"
#include "vmm/config/values.h"
#include "vmm/machine/console.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/panic_watch.h"

namespace vmm {
namespace {

constexpr int kMostStatus = 255;
/// What a guest has to power itself off, once it was asked. Container engines kill after 10 s.
constexpr std::chrono::seconds kGrace{8};

/// What a person or a signal may do to a running machine. The console's loop calls it.
class Controls final : public devices::TerminalCommands {
 public:
  explicit Controls(const MachineConfig& config) : config_(config) {}

  /// Before the loop starts.
  void control(Machine& machine) { machine_ = &machine; }

  void leave() noexcept override { machine_->stop(); }
  bool press_power_button() noexcept override { return machine_->press_power_button(); }

  std::string describe_machine() override {
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
    return fmt::format("{}: {}, {} processors, {} of memory, up for {} s\n", config_.name, arch_name(config_.arch),
                       config_.cpus, size_text(config_.memory), uptime.count());
  }

  /// True: the guest was asked to end the machine, and may take its time. Otherwise the machine ends.
  bool end_by_signal(int signal) noexcept {
    const bool is_first = signal_.exchange(signal) == 0;
    if (is_first && signal == SIGTERM && press_power_button()) return true;
    machine_->stop();
    return false;
  }
  int signal() const noexcept { return signal_; }

 private:
  const MachineConfig& config_;
  Machine* machine_ = nullptr;
  std::atomic<int> signal_{0};
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Signals end the machine: SIGTERM by its power button if it has one, and for good when the guest's time is over or at
/// the next signal.
class SignalWatch {
 public:
  SignalWatch(devices::EventLoop& loop, Controls& controls)
      : controls_(controls), signals_(loop.context(), SIGINT, SIGTERM, SIGHUP), grace_(loop.context()) {
    wait();
  }
  /// On the loop.
  void cancel() {
    signals_.cancel();
    grace_.cancel();
  }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int signal) {
      if (cancelled) return;
      if (controls_.end_by_signal(signal)) give_time();
      wait();
    });
  }

  void give_time() {
    hv::log::info("the guest is asked to power off, and switched off in {} s", kGrace.count());
    grace_.expires_after(kGrace);
    grace_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) controls_.leave();
    });
  }

  Controls& controls_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer grace_;
};

int status_of(const MachineExit& exit, const Controls& controls, const SessionOptions& options) {
  switch (exit.reason) {
    case MachineExit::Reason::power_off:
      if (controls.signal() != 0) return exit_status::kSignalBase + controls.signal();
      if (!options.exit_with_guest || exit.code == 0) return exit_status::kSuccess;
      return exit.code > 0 && exit.code <= kMostStatus ? exit.code : kMostStatus;
    case MachineExit::Reason::stopped:
      return controls.signal() == 0 ? exit_status::kSuccess : exit_status::kSignalBase + controls.signal();
    case MachineExit::Reason::timed_out:
      return report({fmt::format("the time-out of {} s is over", static_cast<double>(options.timeout->count()) / 1000)},
                    exit_status::kTimedOut);
    case MachineExit::Reason::crashed:
      return report({exit.detail}, exit_status::kFailed);
  }
  return exit_status::kFailed;
}

}  // namespace

int run_session(const MachineConfig& config, const SessionOptions& options) {
  // A connection that was lost and a file that may not grow (RLIMIT_FSIZE) are I/O errors.
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);
  devices::EventLoop loop("console");
  Controls controls(config);
  // Before the terminal becomes raw: it leaves signals alone that somebody handles.
  SignalWatch signals(loop, controls);

  auto console = devices::open_char_backend(console_spec(config.console.end), loop, controls);
  if (!console) return report(console.error(), exit_status::kFailed);
  std::unique_ptr<Machine> machine;
  PanicWatch watch(**console, [&](const std::string& text) {
    if (options.exit_with_guest) machine->expect_crash(text);
  });
  auto made = Machine::create(config, watch, loop);
  if (!made) return report(made.error(), exit_status::kFailed);
  machine = std::move(*made);
  controls.control(*machine);
  if (config.console.end.backend == ConsoleBackend::pty)
    std::fprintf(stderr, "vireo: the console is %s\n", (*console)->address().c_str());

  loop.start();
  const hv::Result<MachineExit> exit = machine->run(options.timeout);
  if (options.jit_report != nullptr) *options.jit_report = machine->jit_report();
  machine.reset();
  // The console goes before messages are printed, so that they find the terminal as it was.
  loop.run_and_wait([&] { signals.cancel(); });
  console->reset();
  loop.stop();
  if (!exit) return report(exit.error(), exit_status::kFailed);
  return status_of(*exit, controls, options);
}

}  // namespace vmm
