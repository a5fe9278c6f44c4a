#pragma once

#include <string>
#include <vector>

namespace vmm {

/// Figures of a run, in groups.
struct Report {
  struct Figure {
    std::string key;   ///< for programs
    std::string text;  ///< for people
    double value = 0;
    std::string unit;  ///< "bytes", "s", "%" or nothing
  };
  struct Group {
    std::string key;
    std::string text;
    std::vector<Figure> figures;
  };
  std::vector<Group> groups;

  /// One line for each figure, under its group's.
  std::string table() const;
  /// An object for each group.
  std::string json() const;
};

}  // namespace vmm
