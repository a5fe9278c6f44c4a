#pragma once

namespace hv {

/// What a device or a firmware call may ask of the whole machine. Any thread, vCPU threads included; returns at once.
class MachineControl {
 public:
  virtual ~MachineControl() = default;
  virtual void power_off(int code) noexcept = 0;  ///< `code` 0: success
  virtual void reboot() noexcept = 0;
};

}  // namespace hv
