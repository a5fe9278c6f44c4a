#pragma once

#include <string>

namespace boost::json {
class value;
}

namespace vmm {

/// JSON for people: two spaces a level, a newline at the end.
std::string indented_json(const boost::json::value& value);

}  // namespace vmm
