#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "emu/riscv/isa/table.h"

namespace emu::riscv {

/// One line of the coverage report: a table row, and for each engine whether it implements the row's operation.
struct CoverageLine {
  std::string mnemonic;  ///< as assemblers spell it: "fence.i", "c.addi16sp"
  std::string_view extension;
  std::string base;  ///< the instruction that a compressed row decodes to, else empty
  std::vector<bool> implemented;
};

/// The mnemonic of a row: its name with '.' for '_'.
inline std::string mnemonic_of(const Row& row) {
  std::string name(row.name);
  if (name.ends_with('_')) name.pop_back();
  std::ranges::replace(name, '_', '.');
  return name;
}

/// Every row of the table. `engines` are predicates on Op that say what each engine implements.
template <typename... Engine>
std::vector<CoverageLine> coverage(const Engine&... engines) {
  std::vector<CoverageLine> lines;
  for (const Row& row : rows()) {
    lines.push_back({mnemonic_of(row),
                     name_of(row.extension),
                     row.is_compressed() ? mnemonic_of(row_of(row.op)) : "",
                     {static_cast<bool>(engines(row.op))...}});
  }
  return lines;
}

}  // namespace emu::riscv
