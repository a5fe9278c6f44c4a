#include "devices/backend/char/file.h"

#include <fcntl.h>

namespace devices {

hv::Result<std::unique_ptr<OutputFile>> OutputFile::create(EventLoop& loop, std::string path) {
  if (path.empty()) return hv::error("file: needs a path, as in file:console.log");
  hv::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666));
  if (!fd) return hv::os_error("{}", path);
  auto stream = Stream::create(loop, {.name = path, .at_end = Stream::AtEnd::keep_output});
  hv::Result<void> connected;
  loop.run_and_wait([&] { connected = stream->connect({}, HostEnd::own(std::move(fd))); });
  TRY(std::move(connected));
  return std::unique_ptr<OutputFile>(new OutputFile(std::move(stream)));
}

}  // namespace devices
