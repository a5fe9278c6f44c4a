#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "hv/base/log.h"
#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/guest_clock.h"
#include "hv/core/snapshottable.h"

namespace devices {

/// The machine-level software interrupts and timer of a RISC-V ACLINT 1.0 (MSWI and MTIMER), laid out as SiFive's CLINT
/// ("sifive,clint0"): msip at 0x0, mtimecmp at 0x4000, mtime at 0xbff8.
///
/// Any thread: each hart's registers have a mutex of their own, which is held while its outputs are driven; outputs
/// must not call back.
class AclintMachine final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0xc000;
  static constexpr unsigned kMaxHarts = 4095;

  struct Outputs {
    std::function<void(unsigned hart, bool level)> software;  ///< MSIP
    std::function<void(unsigned hart, bool level)> timer;     ///< MTIP
    /// mtime was written: whoever else waits for the clock looks at it again. May be empty.
    std::function<void()> clock_changed;
  };

  /// `clock` is mtime. `clock` and `alarms` outlive the device.
  AclintMachine(unsigned harts, hv::GuestClock& clock, hv::AlarmService& alarms, Outputs outputs);

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  /// The clock itself is saved by its owner; it is loaded before this.
  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  struct Hart {
    std::mutex mutex;
    uint64_t compare = ~uint64_t{0};
    bool software = false;
    bool timer = false;
    std::unique_ptr<hv::Alarm> alarm;  ///< rings when the clock reaches `compare`
  };

  void write_mtime(uint64_t value, uint64_t mask) noexcept;
  void update_timer(Hart& hart, unsigned index) noexcept;  ///< takes the hart's mutex
  void update_timer_locked(Hart& hart, unsigned index) noexcept;

  hv::GuestClock& clock_;
  const Outputs outputs_;
  std::vector<std::unique_ptr<Hart>> harts_;
  hv::log::GuestError bad_access_;
};

/// The supervisor-level software interrupts of a RISC-V ACLINT 1.0 (SSWI): a write of 1 to setssip sets the hart's
/// SSIP, which the hart itself clears. Without state; any thread.
class AclintSupervisorSoftware final : public hv::BusDevice, public hv::Snapshottable {
 public:
  static constexpr uint64_t kSize = 0x4000;

  AclintSupervisorSoftware(unsigned harts, std::function<void(unsigned hart)> set_ssip);

  uint64_t bus_read(uint64_t offset, unsigned size) noexcept override;
  void bus_write(uint64_t offset, unsigned size, uint64_t value) noexcept override;

  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

 private:
  const unsigned harts_;
  const std::function<void(unsigned hart)> set_ssip_;
};

}  // namespace devices
