#pragma once

#include <chrono>
#include <optional>

#include "vmm/config/machine_config.h"
#include "vmm/machine/report.h"

namespace vmm {

struct SessionOptions {
  bool exit_with_guest = false;  ///< the guest's power-off status is the program's, and its kernel's panic ends it
  std::optional<std::chrono::milliseconds> timeout;
  Report* jit_report = nullptr;  ///< gets what Machine::jit_report says at the end
};

/// Runs one machine in the foreground: its console, the signals that end it. Returns the exit status; errors have been
/// reported.
int run_session(const MachineConfig& config, const SessionOptions& options);

}  // namespace vmm
