#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hv/base/result.h"
#include "vmm/config/location.h"

namespace vmm {

/// A machine file as it was written, before any key is known: a tree in which each node knows its place.
struct ConfigNode {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  Location location = {};
  std::string scalar = {};
  std::vector<ConfigNode> items = {};  ///< of a list or a map, in the order written
  std::string key = {};                ///< of a map's item; keys within a map differ
  Location key_location = {};

  /// A map's item.
  const ConfigNode* find(std::string_view name) const;
};

/// Reads YAML text. Errors: bad syntax, a key twice, keys that are no scalars, several documents, nesting or size
/// beyond what a machine file can need (aliases are expanded).
hv::Result<ConfigNode> read_yaml(std::string_view text, const std::string& file);

/// Reads a file and the files that its `base` keys name, each under the one that names it: maps are merged, everything
/// else is replaced. Errors: also unreadable files, a file that is its own base.
hv::Result<ConfigNode> read_machine_file(const std::string& path);

/// Puts `over` on top of `under`.
void merge(ConfigNode& under, ConfigNode over);

}  // namespace vmm
