#include "vmm/config/cmdline.h"

#include <cstddef>

#include <fmt/format.h>

namespace vmm {
namespace {

constexpr std::string_view kRun = "vireo.run=";
constexpr size_t kMaxSize = 2047;     // COMMAND_LINE_SIZE of Linux on the smallest of the architectures, less the NUL
constexpr size_t kMaxArguments = 32;  // CONFIG_INIT_ENV_ARG_LIMIT

/// Takes the next word, as next_arg of Linux' lib/cmdline.c does: spaces between quotes are part of it.
std::string_view take_word(std::string_view& rest) {
  const size_t begin = rest.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return rest = {};
  size_t end = begin;
  for (bool quoted = false; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (!quoted && (rest[end] == ' ' || rest[end] == '\t' || rest[end] == '\n')) break;
  }
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

/// Words without a value. Those that Linux does not know are init's; with a dot they are a module's (init/main.c,
/// unknown_bootoption). After "--" all are init's.
size_t count_arguments(std::string_view cmdline) {
  size_t count = 0;
  bool all = false;
  for (std::string_view word = take_word(cmdline); !word.empty(); word = take_word(cmdline)) {
    if (all || word.find_first_of("=.") == std::string_view::npos) ++count;
    all = all || word == "--";
  }
  return count;
}

}  // namespace

std::string kernel_cmdline(std::string_view cmdline) {
  const size_t run = cmdline.find(kRun);
  if (run == std::string_view::npos || (run > 0 && cmdline[run - 1] != ' ')) return std::string(cmdline);
  // Without its own end: a guest takes all that follows for the command.
  return fmt::format("{}vireo.args=\" {}", cmdline.substr(0, run), cmdline.substr(run));
}

hv::Result<void> check_cmdline(std::string_view cmdline) {
  const std::string line = kernel_cmdline(cmdline);
  if (line.size() > kMaxSize) return hv::error("the command line is longer than {} bytes", kMaxSize);
  if (const size_t count = count_arguments(line); count > kMaxArguments) {
    return hv::error(
        "Linux would panic: the command line has {} words without a value, and it can hand {} to init; "
        "make them fewer, or put a long command into a script on a disk",
        count, kMaxArguments);
  }
  return {};
}

}  // namespace vmm
