#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace devices {

/// One file descriptor of the program's own to read or write on an event loop without ever waiting in the kernel.
struct HostEnd {
  hv::UniqueFd fd;
  bool is_socket = false;
  bool may_block = false;  ///< O_NONBLOCK cannot be set: the open file is shared with others
  bool is_terminal = false;

  /// A way of one's own to a descriptor that others share (stdin, stdout): a terminal or pipe is opened anew where the
  /// system allows it, so that O_NONBLOCK stays out of the shared open file; anything else is duplicated.
  static hv::Result<HostEnd> share(int fd);
  /// A descriptor that is nobody else's and has O_NONBLOCK.
  static HostEnd own(hv::UniqueFd fd);

  explicit operator bool() const noexcept { return static_cast<bool>(fd); }
  /// As read(2) and write(2), but never waiting once poll(2) has said that the descriptor is ready; EAGAIN where they
  /// would.
  ssize_t read(std::span<std::byte> out) const noexcept;
  ssize_t write(std::span<const std::byte> data) const noexcept;
};

}  // namespace devices
