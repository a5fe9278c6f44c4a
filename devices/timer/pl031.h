#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// An Arm PrimeCell PL031 real-time clock (Arm DDI 0224): seconds since 1970 (UTC), and one alarm. It shows the host's
/// time plus what the guest set it ahead, also in a restored machine.
///
/// Any thread: one mutex guards all of it, and is held while the interrupt line is driven.
class Pl031 final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0x1000;
  using WallClock = std::function<uint64_t()>;  ///< nanoseconds since 1970; any thread

  Pl031(hv::AlarmService& alarms, hv::InterruptLine interrupt, WallClock wall_clock);

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  // All of these with mutex_ held.
  uint32_t now() const noexcept;
  void write_register(uint64_t offset, uint32_t value) noexcept;
  void check_match() noexcept;
  void update_interrupt() noexcept;

  const hv::InterruptLine interrupt_;
  const WallClock wall_clock_;

  mutable std::mutex mutex_;
  uint32_t offset_ = 0;  ///< what the guest's time is ahead of the host's, seconds modulo 2^32
  uint32_t match_ = 0;
  uint32_t load_ = 0;
  bool mask_ = false;
  bool raw_ = false;
  bool armed_ = false;  ///< the match was written and has not come

  hv::Alarm alarm_;  ///< last, so that its callback ends before the rest is gone
};

}  // namespace devices
