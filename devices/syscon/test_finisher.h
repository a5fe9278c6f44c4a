#pragma once

#include <cstdint>

#include "hv/core/bus.h"
#include "hv/core/machine_control.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// SiFive's test finisher ("sifive,test1", also a "syscon" for Linux's syscon-poweroff and syscon-reboot): one 32-bit
/// register whose writes end or restart the machine. Without state; any thread.
class TestFinisher final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0x1000;
  static constexpr uint32_t kPass = 0x5555;
  static constexpr uint32_t kFail = 0x3333;  ///< the exit status is in bits 31:16
  static constexpr uint32_t kReset = 0x7777;

  explicit TestFinisher(hv::MachineControl& machine) : machine_(machine) {}

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  hv::MachineControl& machine_;
};

}  // namespace devices
