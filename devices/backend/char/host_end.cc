#include "devices/backend/char/host_end.h"

#include <algorithm>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace devices {
namespace {

/// poll(2) promises room for this much: PIPE_BUF in a pipe, a few hundred bytes in a terminal.
constexpr size_t kPipeRoom = PIPE_BUF;
constexpr size_t kTerminalRoom = 256;

}  // namespace

hv::Result<HostEnd> HostEnd::share(int fd) {
  struct stat status {};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fstat(fd, &status) != 0) return hv::os_error("file descriptor {}", fd);
  HostEnd end;
  end.is_socket = S_ISSOCK(status.st_mode);
  end.is_terminal = S_ISCHR(status.st_mode) && ::isatty(fd) == 1;
  if (end.is_terminal || S_ISFIFO(status.st_mode)) {
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    end.fd.reset(::open(path.c_str(), (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (end.fd) return end;
    end.may_block = (flags & O_NONBLOCK) == 0;
  }
  end.fd.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!end.fd) return hv::os_error("file descriptor {}", fd);
  return end;
}

HostEnd HostEnd::own(hv::UniqueFd fd) {
  HostEnd end;
  struct stat status {};
  end.is_socket = ::fstat(fd.get(), &status) == 0 && S_ISSOCK(status.st_mode);
  end.fd = std::move(fd);
  return end;
}

ssize_t HostEnd::read(std::span<std::byte> out) const noexcept {
  if (is_socket) return ::recv(fd.get(), out.data(), out.size(), MSG_DONTWAIT);
  return ::read(fd.get(), out.data(), out.size());
}

ssize_t HostEnd::write(std::span<const std::byte> data) const noexcept {
  if (is_socket) return ::send(fd.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!may_block) return ::write(fd.get(), data.data(), data.size());
  pollfd ready{fd.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd.get(), data.data(), std::min(data.size(), is_terminal ? kTerminalRoom : kPipeRoom));
}

}  // namespace devices
