#pragma once

#include <span>
#include <string>

#include "hv/base/result.h"
#include "vmm/config/config_tree.h"
#include "vmm/config/machine_config.h"

namespace vmm {

/// A key given on the command line, which wins over the file: {"--memory", "memory", "2GiB"}.
struct ConfigOverride {
  std::string option;
  std::string key;  ///< of the top level, or "map.key"
  std::string value;
};

/// Checks a tree against the schema. Errors start with "file:line:column: " and say what would be right.
hv::Result<MachineConfig> parse_machine(const ConfigNode& tree);

/// A machine file with its bases, and what the command line overrides in it.
hv::Result<MachineConfig> load_machine_file(const std::string& path, std::span<const ConfigOverride> overrides = {});

/// A machine without a file: all defaults but what the command line says.
hv::Result<MachineConfig> machine_from_options(std::span<const ConfigOverride> overrides);

}  // namespace vmm
