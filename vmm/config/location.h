#pragma once

#include <memory>
#include <string>

#include "hv/base/result.h"

namespace vmm {

/// Where a value was written. Line 0 stands for no place in a file: `file` is then the name of a command-line option.
struct Location {
  std::shared_ptr<const std::string> file;
  int line = 0;    ///< from 1
  int column = 0;  ///< from 1

  std::string text() const;
};

/// An Error that starts with the place: "file:line:column: ...".
template <typename... Args>
[[nodiscard]] tl::unexpected<hv::Error> error_at(const Location& location, fmt::format_string<Args...> format,
                                                 Args&&... args) {
  return hv::error("{}: {}", location.text(), fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace vmm
