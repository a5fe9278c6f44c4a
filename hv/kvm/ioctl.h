#pragma once

#include <cerrno>

#include <sys/ioctl.h>

namespace hv::kvm {

/// ioctl(2), again where a signal interrupted it. Failure: -1 and errno.
template <typename... Argument>
int ioctl(int fd, unsigned long request, Argument... argument) noexcept {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument...);
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace hv::kvm
