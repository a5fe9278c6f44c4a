#pragma once

#include <string>
#include <vector>

namespace vmm {

/// One thing that the host offers, or why it does not.
struct HostFact {
  std::string key;    ///< for programs
  std::string title;  ///< for people
  std::string value;
};

std::vector<HostFact> host_facts();

}  // namespace vmm
