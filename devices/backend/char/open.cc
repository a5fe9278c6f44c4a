#include "devices/backend/char/open.h"

#include "devices/backend/char/file.h"
#include "devices/backend/char/null.h"
#include "devices/backend/char/pty.h"
#include "devices/backend/char/terminal.h"
#include "devices/backend/char/unix_server.h"

namespace devices {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kFile = "file:";

}  // namespace

hv::Result<std::unique_ptr<CharBackend>> open_char_backend(std::string_view spec, EventLoop& loop,
                                                           TerminalCommands& commands) {
  if (spec == "stdio") return TRY(Terminal::create(loop, commands));
  if (spec == "pty") return TRY(Pty::create(loop));
  if (spec == "null") return std::make_unique<NullBackend>();
  if (spec.starts_with(kUnix)) return TRY(UnixServer::create(loop, std::string(spec.substr(kUnix.size()))));
  if (spec.starts_with(kFile)) return TRY(OutputFile::create(loop, std::string(spec.substr(kFile.size()))));
  return hv::error("'{}' is not a console: stdio, pty, unix:PATH, file:PATH or null", spec);
}

}  // namespace devices
