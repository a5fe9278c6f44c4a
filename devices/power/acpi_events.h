#pragma once

#include <cstdint>
#include <mutex>

#include "hv/core/bus.h"
#include "hv/core/interrupt.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// What a generic event device (ACPI 6.5 §5.6.9) stands on: one byte that says which events happened since it was last
/// read, and an edge for each. The AML that reads it is the platform's.
///
/// Any thread; the interrupt line is driven without the mutex.
class AcpiEvents final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 1;
  static constexpr uint8_t kPowerButton = 1u << 0;

  explicit AcpiEvents(hv::InterruptLine interrupt) : interrupt_(interrupt) {}

  /// Asks the guest to power itself off. A press that the guest has not taken yet is told again.
  void press_power_button() noexcept;

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t, unsigned, uint64_t) noexcept override {}

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  const hv::InterruptLine interrupt_;
  mutable std::mutex mutex_;
  uint8_t pending_ = 0;
};

}  // namespace devices
