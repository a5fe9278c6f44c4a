#pragma once

#include <string>

#include "vmm/config/machine_config.h"

namespace vmm {

/// The console's other end as devices::open_char_backend names it.
std::string console_spec(const ConsoleEnd& console);

}  // namespace vmm
