#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/state_io.h"

namespace hv {

/// An interrupt input of a vCPU; each architecture names its own (emu/riscv/irq_pins.h and so on).
enum class IrqPin : uint8_t {};

/// Why Vcpu::run came back.
struct Exit {
  enum class Reason {
    requested,  ///< request_exit() was called
    shutdown,   ///< the guest asked to power off; `code` is its status, 0 for success
    reboot,     ///< the guest asked to start again
    crashed,    ///< the guest cannot go on (triple fault, no handler, kernel-reported failure); `detail` says why
  };
  Reason reason = Reason::requested;
  int code = 0;
  std::string detail;
};

/// Architectural registers by their architecture's names, for the debugger and for people.
struct Registers {
  uint64_t pc = 0;
  std::vector<std::pair<std::string, uint64_t>> values;
};

/// One virtual processor, whichever engine stands behind it. `run` belongs to the vCPU's own thread; what is said to be
/// callable from any thread is; the rest is called while `run` is not running.
class Vcpu {
 public:
  virtual ~Vcpu() = default;

  /// Runs the guest until there is a reason to stop. MMIO and port I/O go to the bus inside.
  /// Error: the engine cannot go on (a host failure).
  virtual Result<Exit> run() = 0;
  /// Makes `run` return soon with Reason::requested: the running one, or the next one. Any thread, signal handlers too.
  virtual void request_exit() noexcept = 0;
  /// Any thread.
  virtual void set_interrupt(IrqPin pin, bool level) noexcept = 0;
  virtual Registers registers() const = 0;
  virtual void save(StateWriter& writer) const = 0;
  virtual Result<void> load(StateReader& reader) = 0;
};

}  // namespace hv
