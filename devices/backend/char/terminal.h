#pragma once

#include <memory>
#include <string_view>
#include <unistd.h>

#include "devices/backend/char/escape_filter.h"
#include "devices/backend/char/open.h"
#include "devices/backend/char/raw_mode.h"
#include "devices/backend/char/stream.h"

namespace devices {

/// Vireo's own terminal: standard input and output. A terminal becomes raw and has the escape key Ctrl-A; a pipe or a
/// file is read as it is, and its end only ends the input.
///
/// Made and destroyed by the owner while the loop stands still or runs; see CharBackend for the rest.
class Terminal final : public StreamBackend {
 public:
  /// `commands` outlives the terminal. Error: the descriptors are closed, or the terminal is in use already.
  static hv::Result<std::unique_ptr<Terminal>> create(EventLoop& loop, TerminalCommands& commands,
                                                      int input = STDIN_FILENO, int output = STDOUT_FILENO);
  ~Terminal() override;

  std::optional<WindowSize> window_size() const noexcept override;

 private:
  struct WindowWatch;

  Terminal(EventLoop& loop, TerminalCommands& commands, std::shared_ptr<Stream> stream);

  void pressed(TerminalKey key);
  void watch_window();
  void say(std::string_view lines);

  EventLoop& loop_;
  TerminalCommands& commands_;
  EscapeFilter escape_;
  hv::UniqueFd screen_;  ///< the output if it is a terminal, else the input if it is one
  bool output_is_screen_ = false;
  std::shared_ptr<WindowWatch> window_watch_;
  std::unique_ptr<RawMode> raw_mode_;
};

}  // namespace devices
