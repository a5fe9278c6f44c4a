#include "vmm/machine/report.h"

#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "vmm/config/json_text.h"

namespace vmm {
namespace {

bool is_whole(double value) { return value == std::floor(value); }

}  // namespace

std::string Report::table() const {
  std::string text;
  for (const Group& group : groups) {
    text += group.text + "\n";
    for (const Figure& figure : group.figures) {
      const std::string value =
          is_whole(figure.value) ? fmt::format("{:.0f}", figure.value) : fmt::format("{:.3f}", figure.value);
      text += fmt::format("  {:<44} {:>14}{}{}\n", figure.text, value, figure.unit.empty() ? "" : " ", figure.unit);
    }
  }
  return text;
}

std::string Report::json() const {
  boost::json::object report;
  for (const Group& group : groups) {
    boost::json::object& members = report[group.key].emplace_object();
    for (const Figure& figure : group.figures) {
      if (is_whole(figure.value))
        members[figure.key] = static_cast<uint64_t>(figure.value);
      else
        members[figure.key] = figure.value;
    }
  }
  return indented_json(report);
}

}  // namespace vmm
