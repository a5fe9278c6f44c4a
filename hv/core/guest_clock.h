#pragma once

#include <chrono>
#include <cstdint>

#include "hv/core/state_io.h"

namespace hv {

/// The guest's time counter: host monotonic time since the machine started, in ticks of `frequency` per second.
/// Read from every thread; `save` and `load` while nothing runs, so that a restored guest goes on where it was.
class GuestClock {
 public:
  explicit GuestClock(uint64_t frequency) noexcept;  ///< Hz, 1 to 1'000'000'000

  uint64_t frequency() const noexcept { return frequency_; }
  uint64_t ticks() const noexcept;
  /// The host time at which `ticks()` reaches `tick`; a time far ahead (centuries) is brought down to one that is still representable.
  std::chrono::steady_clock::time_point time_of(uint64_t tick) const noexcept;
  void set_ticks(uint64_t ticks) noexcept;

  void save(StateWriter& writer) const;
  Result<void> load(StateReader& reader);

 private:
  uint64_t frequency_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace hv
