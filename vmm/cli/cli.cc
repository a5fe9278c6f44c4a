#include "vmm/cli/cli.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "vmm/cli/command.h"
#include "vmm/config/values.h"

namespace vmm {
namespace {

constexpr const char* kDescription = "Vireo starts Linux virtual machines that YAML files describe.";

constexpr const char* kExamples = R"(Examples:
  vireo run configs/riscv64-minimal.yaml         boot a machine; Ctrl-A x leaves its console
  vireo run debian.yaml --cpus 4 --memory 2GiB   the same machine file, another size
  vireo run debian.yaml -p 8080:80               host port 8080 leads to port 80 of the guest
  vireo check debian.yaml                        is the machine file right?
  vireo image build riscv64                      fetch a kernel and make a root file system
  vireo run --arch riscv64 --bare test.elf       run a bare-metal program; its result is the exit status

"vireo COMMAND --help" tells more about a command.)";

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view close = nearest(word, views);
  return close.empty() ? "" : fmt::format("; did you mean \"{}\"?", close);
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// One line on standard error, and where to read on. CLI11 takes a word that is no command for a missing one, and does
/// not say what an unknown option resembles.
int report_usage(const CLI::App& app, const CLI::ParseError& error, int argc, const char* const* argv) {
  std::vector<std::string> commands;
  const CLI::App* command = nullptr;
  const std::string word = argc > 1 ? argv[1] : "";
  for (const CLI::App* known : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(known->get_name());
    if (known->get_name() == word) command = known;
  }
  std::string message = error.what();
  if (command == nullptr && !word.empty() && !word.starts_with('-')) {
    message = fmt::format("there is no command \"{}\"{}", word, did_you_mean(word, commands));
  } else if (word.empty() || message == "A subcommand is required") {
    message = "a command is missing";
  } else if (const size_t option = message.rfind(" --"); option != message.npos) {
    message += did_you_mean(message.substr(option + 1), option_names(command == nullptr ? app : *command));
  }
  std::fputs(fmt::format("vireo: {}; see \"vireo {}--help\"\n", message, command == nullptr ? "" : word + " ").c_str(),
             stderr);
  return exit_status::kUsage;
}

/// A list that could not be written down is no success.
int check_output(int status) {
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return is_written || status != exit_status::kSuccess
             ? status
             : report({"standard output cannot be written to"}, exit_status::kFailed);
}

}  // namespace

int report(const hv::Error& error, int status) {
  std::fprintf(stderr, "vireo: %s\n", error.message.c_str());
  return status;
}

int report_config(const hv::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return exit_status::kUsage;
}

int run_cli(int argc, const char* const* argv) {
  CLI::App app(kDescription, "vireo");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("vireo ") + VIREO_VERSION);
  int status = exit_status::kSuccess;
  add_run_command(app, status);
  add_check_command(app, status);
  add_schema_command(app, status);
  add_info_command(app, status);
  add_image_command(app, status);
  add_disasm_command(app, status);
  add_isa_command(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report_usage(app, error, argc, argv);
    status = app.exit(error);  // --help and --version
  }
  return check_output(status);
}

}  // namespace vmm
