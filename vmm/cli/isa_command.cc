#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "emu/riscv/interp/handlers.h"
#include "emu/riscv/isa/coverage.h"
#include "emu/riscv/jit/translate.h"
#include "vmm/cli/command.h"
#include "vmm/config/json_text.h"

namespace vmm {
namespace {

struct IsaOptions {
  std::string arch = "riscv64";
  bool missing = false;
  bool json = false;
};

bool interpreter_has(emu::riscv::Op op) {
  const emu::Handler handler = emu::riscv::interp::kHandlers[static_cast<size_t>(op)];
  return handler != nullptr && handler != emu::riscv::interp::illegal;
}

std::vector<emu::riscv::CoverageLine> lines(const IsaOptions& options) {
  auto all = emu::riscv::coverage(interpreter_has, emu::riscv::jit::has_ir);
  if (options.missing) std::erase_if(all, [](const auto& line) { return line.implemented[0]; });
  return all;
}

/// The JIT leaves what it does not translate to the interpreter's function.
const char* jit_column(const emu::riscv::CoverageLine& line) {
  return line.implemented[1] ? "yes" : line.implemented[0] ? "calls interp" : "no";
}

void print_json(const IsaOptions& options) {
  boost::json::array rows;
  for (const auto& line : lines(options)) {
    boost::json::object row{{"instruction", line.mnemonic}, {"extension", std::string(line.extension)}};
    if (!line.base.empty()) row["expands_to"] = line.base;
    row["interp"] = static_cast<bool>(line.implemented[0]);
    row["jit"] = jit_column(line);
    rows.push_back(std::move(row));
  }
  std::fputs(indented_json(rows).c_str(), stdout);
}

void print_table(const IsaOptions& options) {
  std::puts(
      fmt::format("{:<16} {:<12} {:<12} {:<7} {}", "instruction", "extension", "expands to", "interp", "jit").c_str());
  size_t rows = 0;
  size_t implemented = 0;
  size_t translated = 0;
  for (const auto& line : lines(options)) {
    ++rows;
    implemented += line.implemented[0] ? 1 : 0;
    translated += line.implemented[1] ? 1 : 0;
    std::puts(fmt::format("{:<16} {:<12} {:<12} {:<7} {}", line.mnemonic, line.extension, line.base,
                          line.implemented[0] ? "yes" : "no", jit_column(line))
                  .c_str());
  }
  std::fprintf(stderr, "%zu rows, %zu of them implemented by the interpreter, %zu translated by the JIT\n", rows,
               implemented, translated);
}

}  // namespace

void add_isa_command(CLI::App& app, int& status) {
  const auto options = std::make_shared<IsaOptions>();
  CLI::App* const command =
      app.add_subcommand("isa", "List every row of the instruction table and whether each engine implements it");
  command->footer("Examples:\n  vireo isa\n  vireo isa --missing --json");
  command->add_option("--arch", options->arch, "The guest's architecture")->check(CLI::IsMember({"riscv64"}));
  command->add_flag("--missing", options->missing, "Only what the interpreter does not implement");
  command->add_flag("--json", options->json, "Report as JSON");
  command->callback([options, &status] {
    if (options->json) {
      print_json(*options);
    } else {
      print_table(*options);
    }
    status = exit_status::kSuccess;
  });
}

}  // namespace vmm
