#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "vmm/cli/command.h"
#include "vmm/config/json_text.h"
#include "vmm/config/parser.h"
#include "vmm/config/schema.h"

namespace vmm {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  bool quiet = false;
  bool json = false;
};

/// All files are checked, also after a bad one.
int check(const CheckOptions& options) {
  int status = exit_status::kSuccess;
  boost::json::array reports;
  for (const std::string& file : options.files) {
    const hv::Result<MachineConfig> config = load_machine_file(file);
    if (!config) status = exit_status::kUsage;
    if (options.json) {
      boost::json::object report{{"file", file}, {"ok", config.has_value()}};
      if (!config) report["error"] = config.error().message;
      reports.push_back(std::move(report));
    } else if (!config) {
      (void)report_config(config.error());
    } else if (!options.quiet) {
      std::printf("%s: ok\n", file.c_str());
    }
  }
  if (options.json) std::fputs(indented_json(reports).c_str(), stdout);
  return status;
}

}  // namespace

void add_check_command(CLI::App& app, int& status) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* const command = app.add_subcommand("check", "Check machine files; exit status 2 if one is wrong");
  command->add_option("FILE", options->files, "Machine files")->required();
  command->add_flag("-q,--quiet", options->quiet, "Say nothing of files that are right");
  command->add_flag("--json", options->json, "Report as JSON");
  command->footer("Example:\n  vireo check configs/*.yaml");
  command->callback([options, &status] { status = check(*options); });
}

void add_schema_command(CLI::App& app, int& status) {
  CLI::App* const command = app.add_subcommand("schema", "Print the machine file's JSON Schema, for editors");
  command->footer("Example:\n  vireo schema > machine.schema.json");
  command->callback([&status] {
    std::fputs(json_schema().c_str(), stdout);
    status = exit_status::kSuccess;
  });
}

}  // namespace vmm
