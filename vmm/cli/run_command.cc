#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "hv/base/log.h"
#include "vmm/cli/command.h"
#include "vmm/cli/session.h"
#include "vmm/config/cmdline.h"
#include "vmm/config/parser.h"
#include "vmm/config/values.h"
#include "vmm/machine/engines.h"

namespace vmm {
namespace {

constexpr const char* kStandardError = "-";

constexpr const char* kFooter = R"(Examples:
  vireo run configs/riscv64-minimal.yaml
  vireo run debian.yaml --cpus 4 --memory 2GiB --append "quiet loglevel=3"
  vireo run debian.yaml -p 2222:22 -p 127.0.0.1:8080:80/tcp
  vireo run ci.yaml --exit-with-guest --timeout 600
  vireo run --arch riscv64 --bare rv64ui-p-add
  vireo run debian.yaml --accel jit --jit-stats=stats.json --json

On a terminal: Ctrl-A x leaves, Ctrl-A h helps. A machine with a power button (x86_64) has it pressed by Ctrl-A p and by
SIGTERM, and is switched off 8 s after that signal.
Exit status: 0 when the guest powered off (with --exit-with-guest or --bare: the status that it gave), 124 after a
time-out, 125 when Vireo or the guest's kernel failed, 128+n after signal n, 2 for a wrong command line or machine file.)";

struct RunOptions {
  std::string file;
  std::string arch;
  std::string bare;
  std::string accel;
  std::string cpus;
  std::string memory;
  std::string append;
  std::vector<std::string> forwards;
  bool exit_with_guest = false;
  double timeout = 0;  ///< seconds; 0: none
  int verbosity = 0;
  bool quiet = false;
  std::string jit_stats;  ///< where to; "-" for standard error, empty for nowhere
  bool json = false;
  bool perf_map = false;
  std::string jit_dump;  ///< folder
  std::string trace_blocks;
};

/// What is wrong with the argument of --timeout, or nothing.
std::string mistake_in_seconds(const std::string& text) {
  constexpr double kLeast = 0.001;
  constexpr double kMost = 1e9;
  double seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code == std::errc() && end == text.data() + text.size() && seconds >= kLeast && seconds <= kMost) return "";
  return fmt::format("\"{}\" is not a number of seconds from {} to {:.0f}", text, kLeast, kMost);
}

hv::Result<void> add_forwards(const RunOptions& options, MachineConfig& config) {
  for (const std::string& text : options.forwards) {
    const auto forward = parse_forward(text);
    if (!forward) return hv::error("-p: {}", forward.error().message);
    const auto user = std::ranges::find(config.networks, NetworkBackend::user, &NetworkConfig::backend);
    NetworkConfig& network = user != config.networks.end() ? *user : config.networks.emplace_back();
    network.forward.push_back(*forward);
    network.forward.back().location = {std::make_shared<const std::string>("-p")};
  }
  return {};
}

hv::Result<MachineConfig> configure(const RunOptions& options) {
  std::vector<ConfigOverride> overrides;
  const auto add = [&](const char* option, const char* key, const std::string& value) {
    if (!value.empty()) overrides.push_back({option, key, value});
  };
  add("--arch", "arch", options.arch);
  add("--bare", "boot.bare", options.bare);
  add("--accel", "accel", options.accel);
  add("--cpus", "cpus", options.cpus);
  add("--memory", "memory", options.memory);
  if (options.file.empty() && options.bare.empty())
    return hv::error("vireo: run needs a machine file, or --arch and --bare; see \"vireo run --help\"");
  MachineConfig config =
      TRY(options.file.empty() ? machine_from_options(overrides) : load_machine_file(options.file, overrides));
  if (!options.append.empty()) {
    config.boot.cmdline += (config.boot.cmdline.empty() ? "" : " ") + options.append;
    if (const auto cmdline = check_cmdline(config.boot.cmdline); !cmdline)
      return hv::error("--append: {}", cmdline.error().message);
  }
  config.jit.counts = !options.jit_stats.empty();
  config.jit.perf_map = options.perf_map;
  config.jit.dump_folder = options.jit_dump;
  config.jit.trace_file = options.trace_blocks;
  TRY(add_forwards(options, config));
  return config;
}

hv::log::Verbosity verbosity(const RunOptions& options) {
  if (options.quiet) return hv::log::Verbosity::quiet;
  if (options.verbosity == 0) return hv::log::Verbosity::normal;
  return options.verbosity == 1 ? hv::log::Verbosity::verbose : hv::log::Verbosity::debug;
}

/// Standard error, or a file that `name` names.
int write_report(const std::string& name, const std::string& text) {
  if (name == kStandardError) {
    std::fputs(text.c_str(), stderr);
    return exit_status::kSuccess;
  }
  std::ofstream file(name);
  file << text;
  file.close();
  return file ? exit_status::kSuccess : report({fmt::format("cannot write to {}", name)}, exit_status::kFailed);
}

int run(const RunOptions& options) {
  hv::log::set_up(verbosity(options));
  hv::Result<MachineConfig> config = configure(options);
  if (!config) return report_config(config.error());
  if (config->accel == Accel::automatic) {
    config->accel = automatic_engine(*config);
    if (config->accel == Accel::interp)
      hv::log::warn("guests are interpreted, several times slower: {}", jit_obstacle());
  }
  SessionOptions session;
  session.exit_with_guest = options.exit_with_guest || !config->boot.bare.empty();
  if (options.timeout > 0) session.timeout = std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1000));
  Report jit;
  session.jit_report = &jit;
  const int status = run_session(*config, session);
  if (options.jit_stats.empty()) return status;
  if (jit.groups.empty()) return report({"--jit-stats: nothing was translated, as accel is not jit"}, status);
  const int written = write_report(options.jit_stats, options.json ? jit.json() : jit.table());
  return status == exit_status::kSuccess ? written : status;
}

}  // namespace

void add_run_command(CLI::App& app, int& status) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* const command = app.add_subcommand("run", "Boot a machine; the terminal is its console");
  command->add_option("FILE", options->file, "The machine file");
  command->add_option("--arch", options->arch, "The guest's architecture");
  command->add_option("--bare", options->bare, "A bare-metal ELF program to run instead of a kernel");
  command->add_option("--accel", options->accel, "auto, kvm, jit, interp, or lockstep: jit and interp, compared");
  command->add_option("--cpus", options->cpus, "Virtual processors, 1 to 16");
  command->add_option("--memory", options->memory, "RAM, like 2GiB");
  command->add_option("--append", options->append, "More for the kernel's command line");
  command->add_option("-p,--forward", options->forwards, "Forward a port: [ADDRESS:]PORT:GUEST_PORT[/tcp|/udp]")
      ->expected(1)
      ->take_all();
  command->add_flag("--exit-with-guest", options->exit_with_guest, "The guest's power-off status is the exit status");
  command->add_option("--timeout", options->timeout, "End the machine after so many seconds, with exit status 124")
      ->check(CLI::Validator(mistake_in_seconds, "SECONDS"));
  command->add_flag("--jit-stats{-}", options->jit_stats, "Print what the JIT did, at the end; =FILE: there");
  command->add_flag("--json", options->json, "With --jit-stats: as JSON");
  command->add_flag("--perf-map", options->perf_map, "Tell perf the names of translations: /tmp/perf-PID.map");
  command->add_flag("--jit-dump{.}", options->jit_dump, "Write jit-PID.dump for \"perf inject --jit\"; =FOLDER: there");
  command->add_flag("--trace-blocks{-}", options->trace_blocks,
                    "Print each translation: guest instructions, IR, host code; =FILE: there");
  command->add_flag("-v,--verbose", options->verbosity, "Say more; twice: for debugging");
  command->add_flag("-q,--quiet", options->quiet, "Only errors");
  command->footer(kFooter);
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace vmm
