#include "vmm/cli/cli.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "vmm/cli/command.h"

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
    return app.exit(error) == 0 ? exit_status::kSuccess : exit_status::kUsage;
  }
  return status;
}

}  // namespace vmm
