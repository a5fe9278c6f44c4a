#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "vmm/cli/command.h"
#include "vmm/cli/host_info.h"
#include "vmm/config/json_text.h"

namespace vmm {

void add_info_command(CLI::App& app, int& status) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* const command = app.add_subcommand("info", "Show what this host offers to virtual machines");
  command->footer("Examples:\n  vireo info\n  vireo info --json");
  command->add_flag("--json", *json, "Report as JSON");
  command->callback([json, &status] {
    boost::json::object report;
    for (const HostFact& fact : host_facts()) {
      if (*json) {
        report[fact.key] = fact.value;
      } else {
        std::puts(fmt::format("{:<16} {}", fact.title + ":", fact.value).c_str());
      }
    }
    if (*json) std::fputs(indented_json(report).c_str(), stdout);
    status = exit_status::kSuccess;
  });
}

}  // namespace vmm
