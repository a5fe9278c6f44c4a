#pragma once

#include <string>
#include <string_view>

#include "hv/base/result.h"

namespace vmm {

/// What Linux gets as its command line. A guest's command (from "vireo.run=" to the end) is put into quotes, which
/// makes it a value of "vireo.args": Linux then takes none of its words for parameters of its own or for init's.
std::string kernel_cmdline(std::string_view cmdline);

/// Error: Linux would panic before it has a console, for more words than it can hand to init (MAX_INIT_ARGS of
/// init/main.c), or cut the line off.
hv::Result<void> check_cmdline(std::string_view cmdline);

}  // namespace vmm
