#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "emu/mmu/address_spaces.h"
#include "emu/mmu/tlb.h"
#include "emu/riscv/fence_queue.h"
#include "emu/riscv/hart_group.h"
#include "emu/riscv/interp/run.h"
#include "emu/riscv/jit/run.h"
#include "emu/riscv/pmp.h"
#include "emu/riscv/state.h"
#include "hv/core/vcpu.h"

namespace emu::riscv {

/// SBI hart states (SBI 2.0 §9, table 9.2): only those that last.
enum class HartStatus : uint64_t { started = 0, stopped = 1, suspended = 4 };

/// One emulated RISC-V hart. Its thread runs `run`; what other threads may call says so.
class Hart final : public hv::Vcpu {
 public:
  Hart(HartGroup& group, unsigned id);
  ~Hart() override;

  hv::Result<hv::Exit> run() override;
  void request_exit() noexcept override;
  void set_interrupt(hv::IrqPin pin, bool level) noexcept override;
  hv::Registers registers() const override;
  void save(hv::StateWriter& writer) const override;
  hv::Result<void> load(hv::StateReader& reader) override;

  unsigned id() const noexcept { return id_; }
  HartState& state() noexcept { return *state_; }
  HartGroup& group() noexcept { return group_; }
  const HartEnvironment& environment() const noexcept { return group_.environment(); }

  /// The state after power-on. `started`: at `entry`, else stopped.
  void reset(Entry entry, bool started) noexcept;

  // --- translation: own thread ---

  /// The inline TLBs in use: those that HartState::data_tlb and fetch_tlb point to.
  mmu::Tlb& data_table() noexcept { return *data_table_; }
  mmu::Tlb& fetch_table() noexcept { return *fetch_table_; }
  /// The one that HartState::jit.windows are open for; there is one once the hart was in user mode.
  mmu::Tlb& window_table() noexcept { return *window_table_; }
  mmu::AddressSpaces& spaces() noexcept { return spaces_; }
  /// The first instruction of the trap handler has just trapped to itself. Says so when that does not end.
  void note_trap_loop() noexcept;

  /// Chooses the inline TLBs after privilege or mstatus changed.
  void update_contexts() noexcept;
  /// Chooses the address space after satp changed.
  void enter_address_space() noexcept;
  /// Forgets what sfence.vma orders to be forgotten.
  void fence(const TranslationFence& fence) noexcept;
  /// Forgets which translated code jumps lead to.
  void forget_jumps() noexcept;
  /// Forgets everything: physical memory protection, or satp behind enter_address_space's back, changed.
  void flush_all() noexcept;
  Pmp& pmp() noexcept { return pmp_; }

  // --- interrupts and time ---

  /// Sets `bit` of mip. Any thread.
  void raise_interrupt(unsigned bit) noexcept;
  void lower_interrupt(unsigned bit) noexcept;
  /// The clock jumped: the comparator is looked at again. Any thread.
  void clock_changed() noexcept;
  /// Sets the Sstc comparator. Own thread.
  void set_stimecmp(uint64_t value) noexcept;
  /// Lets the comparator drive mip.STIP, or leaves it to software. Own thread.
  void enable_stimecmp(bool enabled) noexcept;
  /// Sleeps until an interrupt that mie enables is pending or something else needs attention. Own thread.
  void wait_for_interrupt() noexcept;
  /// Makes the hart look at `bits` before its next block, and wakes it. Any thread, signal handlers too.
  void post(uint32_t bits) noexcept;

  // --- other harts ---

  /// Asks for an sfence.vma or a fence.i and returns a ticket. Any thread.
  uint64_t request_fence(const TranslationFence& fence) noexcept;
  uint64_t request_instruction_fence() noexcept;
  /// Asks the hart to walk the page table again before its next write to any page, and returns a ticket of another
  /// kind. Any thread.
  uint64_t request_write_fence() noexcept;
  /// Whether what the ticket stands for has taken effect: nothing that the hart does from now on comes before it.
  bool fence_done(uint64_t ticket) const noexcept;
  bool write_fence_done(uint64_t ticket) const noexcept;
  /// Carries out what others asked for. Own thread.
  void serve_fences() noexcept;
  void serve_write_fences() noexcept;
  /// Makes this hart see code that was written: fence.i. Own thread.
  void fence_instructions() noexcept;
  /// Has this hart compare all code that it has decoded before it uses it again. Own thread.
  void look_at_code_again() noexcept;
  void drop_writes() noexcept;

  HartStatus status() const noexcept { return status_.load(); }
  /// Starts a stopped hart. False if it is not stopped. Any thread.
  bool start(Entry entry) noexcept;
  /// Stops this hart; its `run` then waits for a start. Own thread.
  void stop() noexcept;
  void set_status(HartStatus status) noexcept { status_.store(status); }

 private:
  mmu::Tlb& table_of(Privilege privilege, bool is_fetch) noexcept;
  void on_alarm() noexcept;
  void arm_stimecmp() noexcept;
  /// Begins what another hart asked for, if it did. False: the hart is stopped.
  bool take_start() noexcept;
  void wait_for_start() noexcept;
  void begin(Entry entry) noexcept;

  HartGroup& group_;
  const unsigned id_;
  std::unique_ptr<HartState> state_;
  mmu::AddressSpaces spaces_;
  mmu::Tlb machine_table_;  ///< M-mode accesses physical addresses
  mmu::Tlb* data_table_ = nullptr;
  mmu::Tlb* window_table_ = nullptr;
  mmu::Tlb* fetch_table_ = nullptr;
  Pmp pmp_;
  uint64_t trap_loops_ = 0;
  interp::Interpreter interpreter_;
  std::optional<jit::Runner> runner_;  ///< none: everything is interpreted

  std::mutex timer_mutex_;              ///< guards the comparator against the alarm's thread
  uint64_t comparator_ = ~uint64_t{0};  ///< the largest value: no comparator, mip.STIP is left alone
  hv::Alarm alarm_;

  std::atomic<bool> executing_{false};  ///< guest code may run: whoever changes it must wait for this hart
  FenceQueue fences_;
  std::atomic<uint64_t> fences_served_{0};
  std::atomic<uint64_t> write_fences_requested_{0};
  std::atomic<uint64_t> write_fences_served_{0};

  std::mutex status_mutex_;  ///< guards the start that another hart asked for
  std::atomic<HartStatus> status_{HartStatus::stopped};
  Entry start_entry_;
  bool start_requested_ = false;  ///< `start_entry_` waits for the hart's own thread
};

}  // namespace emu::riscv
