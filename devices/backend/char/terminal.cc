#include "devices/backend/char/terminal.h"

#include <fcntl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/ioctl.h>

namespace devices {
namespace {

constexpr std::string_view kHelp =
    "\n"
    "Ctrl-A x       leave: the machine is switched off\n"
    "Ctrl-A p       press the power button: the guest may power itself off\n"
    "Ctrl-A h       this help\n"
    "Ctrl-A c or i  about the machine\n"
    "Ctrl-A b       send a break\n"
    "Ctrl-A Ctrl-A  send Ctrl-A\n";

/// For a raw terminal.
std::string with_carriage_returns(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

/// Outlives the terminal for as long as the loop holds its signal handler.
struct Terminal::WindowWatch {
  boost::asio::signal_set signals;
  Terminal* terminal;
};

hv::Result<std::unique_ptr<Terminal>> Terminal::create(EventLoop& loop, TerminalCommands& commands, int input,
                                                       int output) {
  HostEnd in = TRY(HostEnd::share(input));
  HostEnd out = TRY(HostEnd::share(output));
  const bool input_is_terminal = in.is_terminal;
  const auto self = std::make_shared<Terminal*>(nullptr);
  Stream::Behaviour behaviour{.name = "the terminal", .at_end = Stream::AtEnd::keep_output};
  if (input_is_terminal) {
    behaviour.filter = [self](std::span<const std::byte> typed, std::vector<std::byte>& guests) {
      (*self)->escape_.filter(typed, guests);
    };
  }
  auto stream = Stream::create(loop, std::move(behaviour));
  auto terminal = std::unique_ptr<Terminal>(new Terminal(loop, commands, stream));
  *self = terminal.get();
  terminal->output_is_screen_ = out.is_terminal;
  if (out.is_terminal || in.is_terminal) {
    terminal->screen_.reset(::fcntl(out.is_terminal ? output : input, F_DUPFD_CLOEXEC, 0));
  }
  if (input_is_terminal) terminal->raw_mode_ = TRY(RawMode::enter(input));
  hv::Result<void> connected;
  loop.run_and_wait([&] {
    connected = stream->connect(std::move(in), std::move(out));
    if (terminal->screen_) terminal->watch_window();
  });
  TRY(std::move(connected));
  return terminal;
}

Terminal::Terminal(EventLoop& loop, TerminalCommands& commands, std::shared_ptr<Stream> stream)
    : StreamBackend(std::move(stream)),
      loop_(loop),
      commands_(commands),
      escape_([this](TerminalKey key) { pressed(key); }) {}

Terminal::~Terminal() {
  stream().close();
  loop_.run_and_wait([this] {
    if (!window_watch_) return;
    window_watch_->terminal = nullptr;
    boost::system::error_code ignored;
    window_watch_->signals.cancel(ignored);
    window_watch_->signals.clear(ignored);
  });
}

std::optional<WindowSize> Terminal::window_size() const noexcept {
  winsize size{};
  if (!screen_ || ::ioctl(screen_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return WindowSize{size.ws_col, size.ws_row};
}

void Terminal::watch_window() {
  if (!window_watch_) {
    window_watch_.reset(new WindowWatch{boost::asio::signal_set(loop_.context(), SIGWINCH), this});
  }
  window_watch_->signals.async_wait([watch = window_watch_](boost::system::error_code failed, int) {
    if (failed || watch->terminal == nullptr) return;
    Terminal& terminal = *watch->terminal;
    const auto size = terminal.window_size();
    if (size && terminal.stream().device() != nullptr) terminal.stream().device()->window_changed(*size);
    terminal.watch_window();
  });
}

void Terminal::pressed(TerminalKey key) {
  switch (key) {
    case TerminalKey::leave:
      return commands_.leave();
    case TerminalKey::power:
      if (!commands_.press_power_button()) say("\nThis machine has no power button.\n");
      return;
    case TerminalKey::help:
      return say(kHelp);
    case TerminalKey::info:
      say("\n");
      return say(commands_.describe_machine());
    case TerminalKey::send_break:
      if (stream().device() != nullptr) stream().device()->break_received();
      return;
  }
}

/// Not into the guest's output where that goes to a file or a pipe.
void Terminal::say(std::string_view lines) {
  const std::string text = with_carriage_returns(lines);
  if (output_is_screen_) return stream().print(text);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace devices
