#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "hv/core/bus.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// Of a PC's MC146818A (Motorola, MC146818A data sheet) what tells the time: an index port, a data port, and behind
/// them the host's time (UTC) in binary-coded decimals and 24-hour form, with the century where ACPI's tables say. The
/// update flag is up for the last 244 us of each second, so that a reader that found it down reads one time.
///
/// Not modelled: setting the time, alarms, interrupts and the battery-backed memory. Writes to data are dropped, other
/// registers read as zero.
class CmosRtc final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 2;          ///< ports: index, data
  static constexpr uint8_t kCentury = 0x32;     ///< index of the century
  using WallClock = std::function<uint64_t()>;  ///< nanoseconds since 1970; any thread

  explicit CmosRtc(WallClock wall_clock = host_time) : wall_clock_(std::move(wall_clock)) {}

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

  static uint64_t host_time();

 private:
  uint8_t read_register(uint8_t index) const noexcept;

  const WallClock wall_clock_;
  mutable std::mutex mutex_;
  uint8_t index_ = 0;  ///< guarded by mutex_
};

}  // namespace devices
