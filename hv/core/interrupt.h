#pragma once

#include <cstdint>

namespace hv {

/// An interrupt controller as devices see it: numbered, level-triggered inputs. Any thread.
class InterruptSink {
 public:
  virtual ~InterruptSink() = default;
  virtual void set_line(uint32_t line, bool level) noexcept = 0;
};

/// One wire from a device to a controller. A default-made line goes nowhere.
class InterruptLine {
 public:
  InterruptLine() = default;
  InterruptLine(InterruptSink& sink, uint32_t number) : sink_(&sink), number_(number) {}
  void set(bool level) const noexcept {
    if (sink_ != nullptr) sink_->set_line(number_, level);
  }
  uint32_t number() const noexcept { return number_; }

 private:
  InterruptSink* sink_ = nullptr;
  uint32_t number_ = 0;
};

}  // namespace hv
