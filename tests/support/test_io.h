#pragma once

#include <functional>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "devices/backend/disk/file_io.h"

namespace test {

/// An engine without threads: an operation is done when it is started, or, with `hold_back`, when somebody waits, in an
/// order that a seed chooses. `intercept` may answer in the host's place.
class TestIo final : public devices::FileIo {
 public:
  std::function<std::optional<int64_t>(const devices::IoRequest&)> intercept;
  bool hold_back = false;

  explicit TestIo(uint32_t seed = 1) : random_(seed) {}

  void start(devices::IoRequest& request) noexcept override {
    if (hold_back) {
      held_.push_back(&request);
    } else {
      request.complete(perform(request));
    }
  }
  void wait() noexcept override {
    if (held_.empty()) return;
    std::swap(held_[random_() % held_.size()], held_.back());
    devices::IoRequest* const request = held_.back();
    held_.pop_back();
    request->complete(perform(*request));
  }
  size_t in_flight() const noexcept override { return held_.size(); }
  const char* name() const noexcept override { return "test"; }

 private:
  int64_t perform(const devices::IoRequest& request) const {
    if (intercept) {
      if (const std::optional<int64_t> answer = intercept(request)) return *answer;
    }
    // No test outlives a power failure, and a medium takes its time.
    if (request.op == devices::IoRequest::Op::sync) return 0;
    return devices::perform_blocking(request);
  }

  std::mt19937 random_;
  std::vector<devices::IoRequest*> held_;
};

}  // namespace test
