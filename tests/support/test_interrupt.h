#pragma once

#include <atomic>
#include <cstdint>

#include "hv/core/interrupt.h"

namespace test {

/// An interrupt controller with one input.
class TestInterrupt final : public hv::InterruptSink {
 public:
  void set_line(uint32_t /*line*/, bool level) noexcept override {
    if (!level_.exchange(level) && level) ++raised_;
  }
  bool level() const noexcept { return level_; }
  unsigned raised() const noexcept { return raised_; }

 private:
  std::atomic<bool> level_{false};
  std::atomic<unsigned> raised_{0};
};

}  // namespace test
