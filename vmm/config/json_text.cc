#include "vmm/config/json_text.h"

// Boost.JSON is used header-only; this is the one translation unit that holds its code.
#include <boost/json/src.hpp>

namespace vmm {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value& value, size_t indent) {
  const std::string inner(indent + 2, ' ');
  const std::string outer(indent, ' ');
  if (const json::object* const object = value.if_object(); object != nullptr && !object->empty()) {
    std::string_view separator = "{\n";
    for (const auto& entry : *object) {
      out += separator;
      out += inner + json::serialize(json::string(entry.key())) + ": ";
      append(out, entry.value(), indent + 2);
      separator = ",\n";
    }
    out += "\n" + outer + "}";
  } else if (const json::array* const array = value.if_array(); array != nullptr && !array->empty()) {
    std::string_view separator = "[\n";
    for (const json::value& item : *array) {
      out += separator;
      out += inner;
      append(out, item, indent + 2);
      separator = ",\n";
    }
    out += "\n" + outer + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string indented_json(const boost::json::value& value) {
  std::string out;
  append(out, value, 0);
  return out + "\n";
}

}  // namespace vmm
