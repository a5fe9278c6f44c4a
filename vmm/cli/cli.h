#pragma once

namespace vmm {

/// The program: reads the command line, does what it says, returns the exit status.
int run_cli(int argc, const char* const* argv);

}  // namespace vmm
