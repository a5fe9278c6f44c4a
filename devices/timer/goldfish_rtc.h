#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// The real-time clock of Android's Goldfish platform ("google,goldfish-rtc"): nanoseconds since 1970 (UTC) in two
/// 32-bit halves, and one alarm. It shows the host's time plus what the guest set it ahead, also in a restored machine.
///
/// Any thread: one mutex guards all of it, and is held while the interrupt line is driven.
class GoldfishRtc final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0x1000;
  using WallClock = std::function<uint64_t()>;  ///< nanoseconds since 1970; any thread

  GoldfishRtc(hv::AlarmService& alarms, hv::InterruptLine interrupt, WallClock wall_clock = host_time);

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

  static uint64_t host_time();

 private:
  // All of these with mutex_ held.
  uint64_t now() const noexcept;
  void write_register(uint64_t offset, uint32_t value) noexcept;
  void check_alarm() noexcept;
  void update_interrupt() noexcept;

  const hv::InterruptLine interrupt_;
  const WallClock wall_clock_;

  mutable std::mutex mutex_;
  uint64_t offset_ = 0;  ///< what the guest's time is ahead of the host's, modulo 2^64
  uint64_t alarm_time_ = 0;
  uint32_t latched_high_ = 0;  ///< the high half that belongs to the low half read last
  uint32_t written_high_ = 0;  ///< the high half of a time that is being set
  bool alarm_armed_ = false;
  bool interrupt_enabled_ = false;
  bool interrupt_pending_ = false;

  hv::Alarm alarm_;  ///< last, so that its callback ends before the rest is gone
};

}  // namespace devices
