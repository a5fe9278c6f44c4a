#include "emu/riscv/jit/lockstep.h"

#include <utility>

#include <fmt/format.h>

#include "emu/interp/dispatch.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interp/run.h"
#include "emu/riscv/interp/translate.h"
#include "emu/riscv/jit/trace.h"

namespace emu::riscv::jit {

using emu::jit::Exit;

namespace {

thread_local std::string found;

constexpr size_t kKnown = 1 << 14;

}  // namespace

std::string Lockstep::take_difference() { return std::exchange(found, {}); }

std::function<void(emu::ir::Block&)> Lockstep::tamper;

Lockstep::Lockstep(HartState& state, emu::jit::Engine& engine)
    : state_(state),
      engine_(engine),
      visitor_(engine.visitors(), [&state] { state.hart->post(pending::kRemoteFence); }),
      copy_(std::make_unique<HartState>()),
      known_(kKnown) {}

Lockstep::~Lockstep() = default;

const std::byte* Lockstep::fetch() noexcept {
  const mmu::TlbEntry& entry = state_.fetch_tlb[mmu::Tlb::index(state_.pc)];
  if (entry.execute == (state_.pc & ~(hv::kGuestPageSize - 1)))
    return reinterpret_cast<const std::byte*>(entry.addend + state_.pc);
  return fetch_slow(state_, state_.pc);
}

void Lockstep::run() noexcept {
  record_into(&log_);
  for (; difference_.empty(); state_.trapped = false) {
    if (state_.pending.load(std::memory_order_relaxed) != 0 && !service_pending(state_)) break;
    enter_code();
    const std::byte* const host = fetch();
    if (host == nullptr) continue;
    const Known* const known = block_at(host);
    if (known == nullptr)
      interpret();
    else
      run_block(*known);
  }
  visitor_.leave();
  record_into(nullptr);
  found = std::exchange(difference_, {});
}

bool Lockstep::takes_over() noexcept { return !std::exchange(interprets_next_, false); }

/// One block, as it is; there is nothing to compare it with.
void Lockstep::interpret() noexcept {
  interprets_next_ = true;
  emu::interp::run_threaded(&state_, interp::enter(state_));
  interprets_next_ = false;
}

Translation Lockstep::translate(const std::byte* host) noexcept {
  Translation made = jit::translate(host, Mode::of(state_), [] { return nullptr; });
  if (tamper && made.block != nullptr) tamper(made.ir);
  if (made.block != nullptr) made.block->pc = state_.pc;
  return made;
}

void Lockstep::enter_code() noexcept {
  if (visitor_.enter()) ++generation_;
}

const Lockstep::Known* Lockstep::block_at(const std::byte* host) noexcept {
  if (interprets_next_ || !interp::is_whole_page_executable(state_)) return nullptr;
  const unsigned mode = Mode::of(state_).number();
  Known& known = known_[emu::jit::jump_index(host) % kKnown];
  if (known.host == host && known.mode == mode && known.generation == generation_) return &known;
  const emu::jit::Block* const block = translated(host, mode);
  if (block == nullptr) return nullptr;
  known = {host, mode, generation_, block, replay_steps(block->insns)};
  return &known;
}

const emu::jit::Block* Lockstep::translated(const std::byte* host, unsigned mode) noexcept {
  if (const emu::jit::Block* const known = engine_.block(host, mode); known != nullptr) return known;
  visitor_.leave();
  note_code(state_, host);
  Translation made = translate(host);
  const bool added = made.block != nullptr && engine_.add(made.ir, std::move(made.block));
  enter_code();
  return added ? engine_.block(host, mode) : nullptr;
}

void Lockstep::run_block(const Known& known) noexcept {
  const emu::jit::Block& block = *known.block;
  log_.clear();
  state_.pc_page = state_.pc & ~(hv::kGuestPageSize - 1);
  copy_registers(state_, *copy_);
  copy_->pc_page = state_.pc_page;
  state_.jit.jump_table = engine_.jump_table(block.mode);
  use_no_tables(state_);
  const Exit* const exit = engine_.thunks().enter(&state_, block.entry);
  state_.hart->update_contexts();

  size_t end = block.insns.size();
  if (exit != nullptr) {
    state_.pc = state_.pc_page + static_cast<uint64_t>(int64_t{exit->offset});
    if (exit->kind != Exit::Kind::link && exit->insn != nullptr) {
      end = exit->insn->index;
      state_.retired += end;
    }
  }
  compare(known, end);
  if (!difference_.empty() || exit == nullptr) return;
  if (exit->kind == Exit::Kind::alone) interpret();
  if (exit->kind == Exit::Kind::system) {
    reinterpret_cast<void (*)(HartState&, const Insn&) noexcept>(exit->helper)(state_, *exit->insn);
    state_.retired += state_.trapped ? 0 : 1;
  }
}

void Lockstep::compare(const Known& known, size_t end) noexcept {
  const emu::jit::Block& block = *known.block;
  const uint64_t begin = copy_->pc;
  const uint8_t begin_frm = copy_->fp.frm;
  const uint8_t frm = state_.fp.frm;
  (void)fp::read_flags(state_.fp);
  copy_->fp.frm = frm;  // the host rounds so; then as it did when the block began
  fp::write_frm(copy_->fp, begin_frm);
  replay(*copy_, block.insns, known.steps, end, log_);
  copy_->fp.flags = fp::read_flags(copy_->fp);
  std::string text = log_.mismatch();
  if (text.empty() && !log_.is_done()) text = "the translation does more than the interpreter";
  if (text.empty() && same_registers(*copy_, state_)) return;

  const std::string registers = differences(RegisterImage::of(*copy_), RegisterImage::of(state_));
  state_.fp.frm = copy_->fp.frm;
  fp::write_frm(state_.fp, frm);
  const uint64_t pc = std::exchange(state_.pc, begin);
  const Translation again = translate(block.host);
  state_.pc = pc;
  difference_ = fmt::format("interpreter and JIT differ in the block at {:#x}\n{}\n{}{}", begin, text, registers,
                            describe(again.ir, block));
}

}  // namespace emu::riscv::jit
