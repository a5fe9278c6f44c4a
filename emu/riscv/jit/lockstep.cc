#include "emu/riscv/jit/lockstep.h"

#include <utility>

#include <fmt/format.h>

#include "emu/interp/dispatch.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interp/run.h"
#include "emu/riscv/interp/translate.h"
#include "emu/riscv/jit/replay.h"
#include "emu/riscv/jit/trace.h"

namespace emu::riscv::jit {

using emu::jit::Exit;

namespace {

thread_local std::string found;

}  // namespace

std::string Lockstep::take_difference() { return std::exchange(found, {}); }

std::function<void(emu::ir::Block&)> Lockstep::tamper;

Lockstep::Lockstep(HartState& state, emu::jit::Engine& engine)
    : state_(state),
      engine_(engine),
      visitor_(engine.visitors(), [&state] { state.hart->post(pending::kRemoteFence); }),
      copy_(std::make_unique<HartState>()) {}

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
    visitor_.enter();
    const std::byte* const host = fetch();
    if (host == nullptr) continue;
    const emu::jit::Block* const block = block_at(host);
    if (block == nullptr)
      interpret();
    else
      run_block(*block);
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

const emu::jit::Block* Lockstep::block_at(const std::byte* host) noexcept {
  if (interprets_next_ || !interp::is_whole_page_executable(state_)) return nullptr;
  const unsigned mode = Mode::of(state_).number();
  if (const emu::jit::Block* const known = engine_.block(host, mode); known != nullptr) return known;
  visitor_.leave();
  note_code(state_, host);
  Translation made = translate(host);
  const bool added = made.block != nullptr && engine_.add(made.ir, std::move(made.block));
  visitor_.enter();
  return added ? engine_.block(host, mode) : nullptr;
}

void Lockstep::run_block(const emu::jit::Block& block) noexcept {
  log_.clear();
  const uint64_t pc = state_.pc;
  const RegisterImage begin = RegisterImage::of(state_);
  state_.pc_page = pc & ~(hv::kGuestPageSize - 1);
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
  compare(block, begin, end);
  if (!difference_.empty() || exit == nullptr) return;
  if (exit->kind == Exit::Kind::alone) interpret();
  if (exit->kind == Exit::Kind::system) {
    reinterpret_cast<void (*)(HartState&, const Insn&) noexcept>(exit->helper)(state_, *exit->insn);
    state_.retired += state_.trapped ? 0 : 1;
  }
}

void Lockstep::compare(const emu::jit::Block& block, const RegisterImage& begin, size_t end) noexcept {
  const RegisterImage translated = RegisterImage::of(state_);
  begin.put_into(*copy_);
  copy_->pc_page = begin.pc & ~(hv::kGuestPageSize - 1);
  replay(*copy_, block.insns, end, log_);
  RegisterImage interpreted = RegisterImage::of(*copy_);
  translated.put_into(*copy_);  // the host's flags and rounding are again those of the translation
  std::string text = log_.mismatch();
  if (text.empty() && !log_.is_done()) text = "the translation does more than the interpreter";
  const std::string registers = differences(interpreted, translated);
  if (text.empty() && registers.empty()) return;

  const uint64_t pc = std::exchange(state_.pc, begin.pc);
  const Translation again = translate(block.host);
  state_.pc = pc;
  difference_ = fmt::format("interpreter and JIT differ in the block at {:#x}\n{}\n{}{}", begin.pc, text, registers,
                            describe(again.ir, block));
}

}  // namespace emu::riscv::jit
