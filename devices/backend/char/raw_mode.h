#pragma once

#include <memory>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace devices {

/// A terminal in raw mode: every key goes to the guest, and nothing that it prints is changed. The terminal is put back
/// as it was on every way out: by the destructor, at exit(), and by a handler for each signal that ends the program and
/// has no other handler. SIGTSTP puts it back and stops; SIGCONT makes it raw again. A background program leaves it
/// alone.
///
/// One at a time in a program. Made and destroyed by the owner; the handlers use only what is async-signal-safe.
class RawMode {
 public:
  /// `fd` is a terminal. Error: another one is raw, or the terminal refuses.
  static hv::Result<std::unique_ptr<RawMode>> enter(int fd);
  ~RawMode();

 private:
  RawMode(hv::UniqueFd fd, bool log_shares_terminal);

  hv::UniqueFd fd_;
  bool log_shares_terminal_;
};

}  // namespace devices
