#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/machine_control.h"
#include "vmm/config/machine_config.h"
#include "vmm/machine/report.h"

namespace devices {
class CharBackend;
class EventLoop;
}  // namespace devices

namespace vmm {

class Platform;

/// How a machine's run ended.
struct MachineExit {
  enum class Reason {
    power_off,  ///< the guest powered off; `code` is what it said, 0 for success
    stopped,    ///< Machine::stop
    timed_out,
    crashed,  ///< the guest cannot go on; `detail` says why
  };
  Reason reason = Reason::power_off;
  int code = 0;
  std::string detail;
};

/// A machine that a configuration describes: memory, devices, vCPUs and their threads.
///
/// Made, run and destroyed by one thread; `stop`, `press_power_button`, `power_off`, `reboot` and `crash` may be called
/// by any.
class Machine final : public hv::MachineControl {
 public:
  /// Opens images and allocates memory; nothing runs yet. `console` is what the guest's console device is connected to
  /// and `loop` its event loop; both outlive the machine. Errors name what cannot be had.
  static hv::Result<std::unique_ptr<Machine>> create(const MachineConfig& config, devices::CharBackend& console,
                                                     devices::EventLoop& loop);
  ~Machine() override;

  /// Boots and runs until the guest powers off or somebody ends it; a guest's reboot starts it again in place.
  /// Error: a kernel that cannot be loaded, or a host failure.
  hv::Result<MachineExit> run(std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  void stop() noexcept;
  /// Platform::press_power_button.
  bool press_power_button() noexcept;
  void crash(std::string detail) noexcept;
  /// The guest's kernel has panicked and is about to print more: the machine crashes when it asks for a reboot or a
  /// power off, and after a moment in any case.
  void expect_crash(std::string detail) noexcept;
  void power_off(int code) noexcept override;
  void reboot() noexcept override;

  uint64_t memory_size() const noexcept;
  /// Platform::jit_report, after run.
  Report jit_report();

 private:
  enum class Request { none, reboot, end };
  using Deadline = std::chrono::steady_clock::time_point;

  Machine();
  void ask_to_end(MachineExit exit) noexcept;
  void fail(hv::Error error) noexcept;
  void run_vcpu(size_t index) noexcept;
  void start_threads();
  void stop_threads() noexcept;
  Request wait(std::optional<Deadline> deadline);

  std::unique_ptr<Platform> platform_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Request request_ = Request::none;   ///< guarded by mutex_
  MachineExit exit_;                  ///< guarded by mutex_
  std::optional<hv::Error> failure_;  ///< guarded by mutex_
  std::optional<MachineExit> panic_;  ///< guarded by mutex_: what the guest's next request becomes
};

}  // namespace vmm
