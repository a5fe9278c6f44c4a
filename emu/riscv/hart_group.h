#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "emu/mmu/code_pages.h"
#include "hv/base/result.h"
#include "hv/core/alarm.h"
#include "hv/core/bus.h"
#include "hv/core/guest_clock.h"
#include "hv/core/guest_memory.h"
#include "hv/core/machine_control.h"

namespace emu::jit {
class Engine;
class Observer;
}  // namespace emu::jit

namespace emu::riscv {

class Hart;

namespace sbi {

/// Where the SBI's debug console goes. Called on vCPU threads, several at once; does not wait.
class Console {
 public:
  virtual ~Console() = default;
  /// Returns how many bytes were taken.
  virtual size_t write(std::span<const std::byte> data) noexcept = 0;
  /// Returns how many bytes there were.
  virtual size_t read(std::span<std::byte> out) noexcept = 0;
};

}  // namespace sbi

/// What the harts of a machine stand on. All of it outlives them.
struct HartEnvironment {
  hv::GuestMemory& memory;
  hv::Bus& bus;
  hv::GuestClock& clock;  ///< `time`
  hv::AlarmService& alarms;
  hv::MachineControl& control;
  sbi::Console* console = nullptr;  ///< nullptr: the debug console is not there
};

/// Who answers when the supervisor calls.
enum class Firmware {
  built_in,  ///< Vireo's SBI: hart 0 starts in S-mode, the others when the kernel asks for them
  guest,     ///< M-mode software in the guest: every hart starts there
};

/// What carries a hart's instructions out.
enum class EngineKind {
  interpreter,
  jit,       ///< what repeats is translated to host code, the rest interpreted
  lockstep,  ///< each block is translated, run and interpreted again; the first difference stops the machine
};

struct EngineConfig {
  EngineKind kind = EngineKind::interpreter;
  size_t jit_cache = size_t{64} << 20;     ///< bytes of host code
  emu::jit::Observer* observer = nullptr;  ///< outlives the harts
  bool counts = false;                     ///< generated code counts its look-ups: for figures, slower
  uint16_t hot_after = 30;  ///< times that a block is interpreted before it is translated: about what that costs
};

/// Where harts begin, with a0 = hart ID and a1 = `argument` (the device tree's address).
struct Entry {
  uint64_t pc = 0;
  uint64_t argument = 0;
};

/// The harts of one machine: what one of them may ask of the others. Made before and destroyed after their threads.
class HartGroup final : private hv::UnmarkedWriter {
 public:
  static constexpr size_t kMaxHarts = 16;

  /// `harts` is 1 to kMaxHarts; their IDs are 0 to harts - 1. Error: a JIT that this host cannot have.
  static hv::Result<std::unique_ptr<HartGroup>> create(size_t harts, Firmware firmware,
                                                       const HartEnvironment& environment,
                                                       const EngineConfig& engine = {});
  ~HartGroup();
  HartGroup(const HartGroup&) = delete;
  HartGroup& operator=(const HartGroup&) = delete;

  /// Puts every hart into its state after power-on, at `entry`. Not while any of them runs.
  void reset(Entry entry) noexcept;

  size_t size() const noexcept { return harts_.size(); }
  Hart& hart(size_t id) noexcept { return *harts_[id]; }
  Firmware firmware() const noexcept { return firmware_; }
  const HartEnvironment& environment() const noexcept { return environment_; }
  /// nullptr: everything is interpreted.
  emu::jit::Engine* jit() noexcept { return jit_.get(); }
  const EngineConfig& engine() const noexcept { return engine_; }
  /// Bytes for the decoded instructions of each hart.
  size_t decoded_per_hart() const noexcept { return decoded_per_hart_; }
  mmu::CodePages& code_pages() noexcept { return code_pages_; }

  /// hv::GuestClock was set. Any thread.
  void clock_changed() noexcept;
  /// Makes code that was written before the call known to all harts: see mmu::CodePages. On the thread of `hart`.
  void synchronize_code(Hart& hart) noexcept;

 private:
  HartGroup(size_t harts, Firmware firmware, const HartEnvironment& environment, const EngineConfig& engine);
  void stop_unmarked_writes() noexcept override;

  Firmware firmware_;
  HartEnvironment environment_;
  EngineConfig engine_;
  size_t decoded_per_hart_;
  std::unique_ptr<emu::jit::Engine> jit_;
  mmu::CodePages code_pages_;
  std::mutex synchronization_;  ///< held by the hart that synchronizes code
  std::vector<std::unique_ptr<Hart>> harts_;
};

}  // namespace emu::riscv
