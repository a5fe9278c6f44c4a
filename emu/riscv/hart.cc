#include "emu/riscv/hart.h"

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/interrupts.h"
#include "emu/riscv/jit/lockstep.h"
#include "hv/base/log.h"

namespace emu::riscv {
namespace {

using namespace csr;

constexpr uint64_t kNever = ~uint64_t{0};

/// misa: RV64 with A, B, C, D, F, I, M, S, U (§3.1.1).
constexpr uint64_t misa() {
  uint64_t value = uint64_t{2} << 62;
  for (const char letter : {'A', 'B', 'C', 'D', 'F', 'I', 'M', 'S', 'U'}) value |= uint64_t{1} << (letter - 'A');
  return value;
}

/// What M-mode firmware would have set up before it starts a supervisor (SBI 2.0; the calling convention of Linux).
void prepare_supervisor(HartState& state) noexcept {
  CsrState& csr = state.csr;
  csr.medeleg = kDelegableExceptions & ~(uint64_t{1} << static_cast<unsigned>(Cause::ecall_supervisor));
  csr.mideleg = interrupt::kSupervisor;
  csr.mcounteren = kAllCounters;
  csr.menvcfg = envcfg::kMachineWritable & ~envcfg::kFiom;
  csr.mstateen[0] = stateen::kEnvcfg | stateen::kSupervisorStateen;
  csr.pmpcfg[0] = 0x1f;  // one region, everything permitted
  csr.pmpaddr[0] = (uint64_t{1} << 54) - 1;
  state.privilege = Privilege::supervisor;
}

}  // namespace

Hart::Hart(HartGroup& group, unsigned id)
    : group_(group),
      id_(id),
      state_(std::make_unique<HartState>()),
      interpreter_(*state_, group.decoded_per_hart()),
      alarm_(group.environment().alarms, [this] { on_alarm(); }) {
  state_->hart = this;
  if (group.jit() != nullptr) state_->runner = &runner_.emplace(*state_, *group.jit(), group.engine());
  reset({}, false);
}

Hart::~Hart() = default;

void Hart::reset(Entry entry, bool started) noexcept {
  HartState& state = *state_;
  state.x.fill(0);
  state.f.fill(0);
  state.fp = {};
  state.csr = {};
  state.csr.mstatus = mstatus::kUxl64 | mstatus::kSxl64;
  state.csr.misa = misa();
  state.privilege = Privilege::machine;
  state.fp_enabled = state.fp_dirty = state.trapped = false;
  state.reservation_host = 0;
  state.mip = 0;
  state.pending = 0;
  if (group_.firmware() == Firmware::built_in) prepare_supervisor(state);
  state.pc = entry.pc;
  state.x[10] = id_;
  state.x[11] = entry.argument;
  fence_instructions();
  set_stimecmp(kNever);
  pmp_.update(state.csr);
  flush_all();
  status_ = started ? HartStatus::started : HartStatus::stopped;
  start_requested_ = false;
}

hv::Result<hv::Exit> Hart::run() {
  for (;;) {
    if ((state_->pending.fetch_and(~(pending::kExit | pending::kStop)) & pending::kExit) != 0) return hv::Exit{};
    if (!take_start()) {
      wait_for_start();
      continue;
    }
    executing_ = true;
    {
      const fp::HostFp host_fp(state_->fp);
      if (runner_)
        runner_->run();
      else
        interpreter_.run();
    }
    executing_ = false;
    if (std::string difference = jit::Lockstep::take_difference(); !difference.empty())
      return hv::Exit{.reason = hv::Exit::Reason::crashed, .detail = std::move(difference)};
  }
}

bool Hart::take_start() noexcept {
  const std::lock_guard lock(status_mutex_);
  if (start_requested_) {
    start_requested_ = false;
    begin(start_entry_);
  }
  return status_ != HartStatus::stopped;
}

void Hart::wait_for_start() noexcept {
  state_->pending.wait(0);
  if ((state_->pending.fetch_and(~(pending::kInterrupt | pending::kRemoteFence)) & pending::kRemoteFence) != 0)
    serve_fences();
}

/// SBI 2.0 §9.1: translation off, interrupts off, S-mode.
void Hart::begin(Entry entry) noexcept {
  HartState& state = *state_;
  state.pc = entry.pc;
  state.x[10] = id_;
  state.x[11] = entry.argument;
  state.csr.satp = 0;
  state.csr.mstatus &= ~mstatus::kSie;
  state.privilege = Privilege::supervisor;
  state.reservation_host = 0;
  flush_all();
  interrupts_changed(state);
}

void Hart::post(uint32_t bits) noexcept {
  state_->pending.fetch_or(bits);
  state_->pending.notify_all();
}

void Hart::request_exit() noexcept { post(pending::kExit); }

void Hart::set_interrupt(hv::IrqPin pin, bool level) noexcept {
  const auto bit = static_cast<unsigned>(pin);
  if (level)
    raise_interrupt(bit);
  else
    lower_interrupt(bit);
}

void Hart::raise_interrupt(unsigned bit) noexcept {
  state_->mip.fetch_or(uint64_t{1} << bit);
  post(pending::kInterrupt);
}

void Hart::lower_interrupt(unsigned bit) noexcept { state_->mip.fetch_and(~(uint64_t{1} << bit)); }

void Hart::wait_for_interrupt() noexcept {
  executing_ = false;
  for (;;) {
    state_->pending.fetch_and(~pending::kInterrupt);
    if ((interrupt::effective(state_->mip.load()) & state_->csr.mie) != 0) break;
    if (state_->pending.load() != 0) break;
    state_->pending.wait(0);
  }
  executing_ = true;
  interrupts_changed(*state_);
}

void Hart::set_stimecmp(uint64_t value) noexcept {
  state_->csr.stimecmp = value;
  const std::lock_guard lock(timer_mutex_);
  comparator_ = value;
  arm_stimecmp();
}

void Hart::enable_stimecmp(bool enabled) noexcept {
  if (enabled) return set_stimecmp(state_->csr.stimecmp);
  const std::lock_guard lock(timer_mutex_);
  comparator_ = kNever;
  alarm_.cancel();
}

/// With `timer_mutex_` held: mip.STIP is what the comparator says, now and when its time comes (Sstc).
void Hart::arm_stimecmp() noexcept {
  const hv::GuestClock& clock = environment().clock;
  if (clock.ticks() >= comparator_) {
    alarm_.cancel();
    return raise_interrupt(interrupt::kSupervisorTimer);
  }
  lower_interrupt(interrupt::kSupervisorTimer);
  if (comparator_ == kNever)
    alarm_.cancel();
  else
    alarm_.set(clock.time_of(comparator_));
}

void Hart::on_alarm() noexcept {
  const std::lock_guard lock(timer_mutex_);
  arm_stimecmp();
}

void Hart::clock_changed() noexcept {
  const std::lock_guard lock(timer_mutex_);
  if (comparator_ != kNever) arm_stimecmp();
}

void Hart::note_trap_loop() noexcept {
  constexpr uint64_t kMany = 1000;
  if (++trap_loops_ != kMany) return;
  const bool in_machine = state_->privilege == Privilege::machine;
  hv::log::warn("hart {} traps without end at its trap handler {:#x} (cause {})", id_, state_->pc,
                in_machine ? state_->csr.mcause : state_->csr.scause);
}

uint64_t Hart::request_fence(const TranslationFence& fence) noexcept {
  const uint64_t ticket = fences_.ask(fence);
  post(pending::kRemoteFence);
  return ticket;
}

uint64_t Hart::request_instruction_fence() noexcept {
  const uint64_t ticket = fences_.ask_instructions();
  post(pending::kRemoteFence);
  return ticket;
}

uint64_t Hart::request_write_fence() noexcept {
  const uint64_t ticket = write_fences_requested_.fetch_add(1) + 1;
  post(pending::kRemoteFence);
  return ticket;
}

bool Hart::fence_done(uint64_t ticket) const noexcept {
  // A hart that does not execute looks at `pending` after it has set `executing_` and before its next block.
  return !executing_.load() || fences_served_.load() >= ticket;
}

bool Hart::write_fence_done(uint64_t ticket) const noexcept {
  return !executing_.load() || write_fences_served_.load() >= ticket;
}

void Hart::serve_write_fences() noexcept {
  const uint64_t requested = write_fences_requested_.load();
  if (requested == write_fences_served_.load()) return;
  drop_writes();
  write_fences_served_ = requested;
}

void Hart::serve_fences() noexcept {
  serve_write_fences();
  const FenceQueue::Batch batch = fences_.take();
  if (batch.instructions) fence_instructions();
  for (size_t i = 0; i < batch.count; ++i) fence(batch.translations[i]);
  fences_served_.store(batch.ticket);
}

void Hart::fence_instructions() noexcept {
  group_.synchronize_code(*this);
  state_->code_epoch = group_.code_pages().epoch();
}

void Hart::look_at_code_again() noexcept { state_->code_epoch = group_.code_pages().raise_epoch(); }

bool Hart::start(Entry entry) noexcept {
  {
    const std::lock_guard lock(status_mutex_);
    if (status_ != HartStatus::stopped) return false;
    start_entry_ = entry;
    start_requested_ = true;
    status_ = HartStatus::started;
  }
  post(pending::kInterrupt);
  return true;
}

void Hart::stop() noexcept {
  status_ = HartStatus::stopped;
  post(pending::kStop);
}

}  // namespace emu::riscv
