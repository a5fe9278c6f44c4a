#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "devices/backend/char_backend.h"
#include "hv/base/result.h"

namespace devices {

class EventLoop;

/// What the keys after Ctrl-A ask of the program. Called on the terminal's event loop; no function waits.
class TerminalCommands {
 public:
  virtual ~TerminalCommands() = default;
  /// The person wants to leave: the machine ends, and with it the program.
  virtual void leave() noexcept = 0;
  /// Asks the guest to power itself off. False: the machine has no power button.
  virtual bool press_power_button() noexcept = 0;
  /// A few lines about the machine, each ended by "\n".
  virtual std::string describe_machine() = 0;
};

/// Opens what a machine file names as a character device's other end:
///   stdio      Vireo's standard input and output; a terminal is raw, with the escape key Ctrl-A
///   pty        a new pseudo-terminal; `CharBackend::address` says which
///   unix:PATH  a Unix socket that one client at a time may connect to; a stale socket file is replaced
///   file:PATH  what the guest writes is appended to the file
///   null       nobody
/// `loop` and `commands` outlive the backend. Error: an unknown kind, or what the host refuses, with the path.
hv::Result<std::unique_ptr<CharBackend>> open_char_backend(std::string_view spec, EventLoop& loop,
                                                           TerminalCommands& commands);

}  // namespace devices
