#include "hv/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace hv::log {
namespace {

spdlog::level::level_enum level_of(Verbosity verbosity) {
  switch (verbosity) {
    case Verbosity::quiet: return spdlog::level::err;
    case Verbosity::normal: return spdlog::level::warn;
    case Verbosity::verbose: return spdlog::level::info;
    case Verbosity::debug: return spdlog::level::debug;
  }
  return spdlog::level::warn;
}

}  // namespace

void set_up(Verbosity verbosity) {
  auto logger = std::make_shared<spdlog::logger>("vireo", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("vireo: %l: %v");
  logger->set_level(level_of(verbosity));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace hv::log
