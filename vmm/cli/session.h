#pragma once

#include <chrono>
#include <optional>

#include "vmm/config/machine_config.h"

namespace vmm {

struct SessionOptions {
  bool exit_with_guest = false;  ///< the guest's power-off status is the program's, and its kernel's panic ends it
  std::optional<std::chrono::milliseconds> timeout;
};

/// Runs one machine in the foreground: its console, the signals that end it. Returns the exit status; errors have been
/// reported.
int run_session(const MachineConfig& config, const SessionOptions& options);

}  // namespace vmm
