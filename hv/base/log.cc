#include "hv/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace hv::log {
namespace {

spdlog::level::level_enum level_of(Verbosity verbosity) {
  switch (verbosity) {
    case Verbosity::quiet:
      return spdlog::level::err;
    case Verbosity::normal:
      return spdlog::level::warn;
    case Verbosity::verbose:
      return spdlog::level::info;
    case Verbosity::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::warn;
}

std::unique_ptr<spdlog::formatter> formatter(std::string_view line_end) {
  return std::make_unique<spdlog::pattern_formatter>("vireo: %l: %v", spdlog::pattern_time_type::local,
                                                     std::string(line_end));
}

}  // namespace

void set_up(Verbosity verbosity) {
  auto logger = std::make_shared<spdlog::logger>("vireo", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(formatter("\n"));
  logger->set_level(level_of(verbosity));
  spdlog::set_default_logger(std::move(logger));
}

void set_line_end(std::string_view end) { spdlog::set_formatter(formatter(end)); }

}  // namespace hv::log
