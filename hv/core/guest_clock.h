#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "hv/core/state_io.h"

namespace hv {

/// The guest's time counter: host monotonic time since the machine started, in ticks of `frequency` per second.
/// Read and set from every thread; `save` and `load` while nothing runs, so that a restored guest goes on where it was.
class GuestClock {
 public:
  explicit GuestClock(uint64_t frequency) noexcept;  ///< Hz, 1 to 1'000'000'000

  uint64_t frequency() const noexcept { return frequency_; }
  uint64_t ticks() const noexcept;
  /// The host time at which `ticks()` reaches `tick`: one already past, if it has; at most a century ahead, so that it
  /// stays representable.
  std::chrono::steady_clock::time_point time_of(uint64_t tick) const noexcept;
  void set_ticks(uint64_t ticks) noexcept;

  void save(StateWriter& writer) const;
  Result<void> load(StateReader& reader);

 private:
  uint64_t host_ticks() const noexcept;

  const uint64_t frequency_;
  const uint64_t multiplier_;  ///< ticks per nanosecond, in units of 2^-63, rounded up
  const std::chrono::steady_clock::time_point origin_;
  std::atomic<uint64_t> offset_{0};  ///< what the guest's counter is ahead of the ticks since `origin_`, modulo 2^64
};

}  // namespace hv
