#pragma once

#include <atomic>
#include <string_view>

#include <spdlog/spdlog.h>

namespace hv::log {

enum class Verbosity { quiet, normal, verbose, debug };

/// Sends the log to stderr at the given verbosity. Called once by the program, before any thread starts.
void set_up(Verbosity verbosity);

/// What ends a line from now on: a terminal in raw mode needs "\r\n". Any thread.
void set_line_end(std::string_view end);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// A place that a guest can reach as often as it likes: it is logged the first time and counted from then on.
class GuestError {
 public:
  /// True the first time; counts each call.
  bool first() noexcept { return count_.fetch_add(1, std::memory_order_relaxed) == 0; }
  uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  template <typename... Args>
  void report(spdlog::format_string_t<Args...> format, Args&&... args) {
    if (first()) spdlog::warn(format, std::forward<Args>(args)...);
  }

 private:
  std::atomic<uint64_t> count_{0};
};

}  // namespace hv::log
