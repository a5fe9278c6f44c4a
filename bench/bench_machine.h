#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "emu/riscv/hart.h"
#include "emu/riscv/hart_group.h"
#include "hv/base/check.h"

namespace bench {

inline constexpr uint64_t kRam = 0x8000'0000;
inline constexpr uint64_t kRamSize = 16 << 20;
/// A store here ends a run.
inline constexpr uint64_t kStopDevice = 0x10'0000;

/// RAM, one hart and a device that stops it: the least that a program is measured on.
class BenchMachine final : public hv::MachineControl, private hv::BusDevice {
 public:
  explicit BenchMachine(emu::riscv::Firmware firmware, const emu::riscv::EngineConfig& engine = {}) {
    const hv::RegionConfig region{.base = {kRam}, .size = kRamSize, .huge_pages = hv::HugePages::automatic, .numa = {}};
    memory_ = hv::GuestMemory::create({&region, 1}).value();
    CHECK(bus_.add({{kStopDevice}, 8}, *this, "stop"));
    group_ =
        emu::riscv::HartGroup::create(1, firmware, {*memory_, bus_, clock_, alarms_, *this, nullptr}, engine).value();
    group_->reset({.pc = kRam, .argument = 0});
  }

  emu::riscv::Hart& hart() { return group_->hart(0); }
  emu::riscv::HartState& state() { return hart().state(); }
  hv::GuestMemory& memory() { return *memory_; }

  void power_off(int) noexcept override { hart().request_exit(); }
  void reboot() noexcept override { hart().request_exit(); }

 private:
  uint64_t bus_read(uint64_t, unsigned) noexcept override { return 0; }
  void bus_write(uint64_t, unsigned, uint64_t) noexcept override { hart().request_exit(); }

  std::unique_ptr<hv::GuestMemory> memory_;
  hv::Bus bus_{hv::Bus::Unclaimed::zeros};
  hv::GuestClock clock_{10'000'000};
  hv::AlarmService alarms_;
  std::unique_ptr<emu::riscv::HartGroup> group_;
};

}  // namespace bench
