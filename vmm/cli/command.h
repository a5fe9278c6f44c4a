#pragma once

#include <string_view>

#include "hv/base/result.h"

namespace CLI {
class App;
}

namespace vmm {

/// Exit statuses of Vireo's own; a guest's command may have any.
namespace exit_status {
inline constexpr int kSuccess = 0;
inline constexpr int kUsage = 2;  ///< a wrong command line or machine file
inline constexpr int kTimedOut = 124;
inline constexpr int kFailed = 125;  ///< Vireo, or the guest's kernel
inline constexpr int kSignalBase = 128;
}  // namespace exit_status

/// Each adds one command to the program. When it is the one that was typed, it does its work and leaves its exit status
/// in `status`, which outlives `app`.
void add_run_command(CLI::App& app, int& status);
void add_check_command(CLI::App& app, int& status);
void add_schema_command(CLI::App& app, int& status);
void add_info_command(CLI::App& app, int& status);
void add_image_command(CLI::App& app, int& status);
void add_disasm_command(CLI::App& app, int& status);
void add_isa_command(CLI::App& app, int& status);

/// Prints "vireo: MESSAGE" to stderr and returns `status`.
int report(const hv::Error& error, int status);
/// A machine file's errors begin with its place and are printed without anything before it, as compilers do.
int report_config(const hv::Error& error);

}  // namespace vmm
