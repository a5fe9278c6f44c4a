#include "vmm/machine/console.h"

namespace vmm {

std::string console_spec(const ConsoleEnd& console) {
  switch (console.backend) {
    case ConsoleBackend::stdio:
      return "stdio";
    case ConsoleBackend::pty:
      return "pty";
    case ConsoleBackend::unix_socket:
      return "unix:" + console.path;
    case ConsoleBackend::file:
      return "file:" + console.path;
    case ConsoleBackend::none:
      return "null";
  }
  return "null";
}

}  // namespace vmm
