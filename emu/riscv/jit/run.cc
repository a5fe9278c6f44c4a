#include "emu/riscv/jit/run.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "emu/interp/dispatch.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interp/run.h"
#include "emu/riscv/interp/translate.h"
#include "emu/riscv/jit/lockstep.h"
#include "emu/riscv/jit/mode.h"
#include "emu/riscv/jit/translate.h"

namespace emu::riscv::jit {

using emu::jit::Exit;

/// So often the heat that a block needs doubles.
static constexpr uint8_t kMostEvictions = 5;

const std::byte* Runner::fetch() noexcept {
  const mmu::TlbEntry& entry = state_.fetch_tlb[mmu::Tlb::index(state_.pc)];
  if (entry.execute == (state_.pc & ~(hv::kGuestPageSize - 1))) [[likely]]
    return reinterpret_cast<const std::byte*>(entry.addend + state_.pc);
  return fetch_slow(state_, state_.pc);
}

Runner::Runner(HartState& state, emu::jit::Engine& engine, const EngineConfig& config)
    : state_(state),
      engine_(engine),
      hot_after_(config.hot_after),
      mirror_(state.hart->environment().memory),
      visitor_(engine.visitors(), [&state] { state.hart->post(pending::kRemoteFence); }),
      lockstep_(config.kind == EngineKind::lockstep ? std::make_unique<Lockstep>(state, engine) : nullptr) {}

Runner::~Runner() = default;

void Runner::run() noexcept {
  if (lockstep_) return lockstep_->run();
  for (;; state_.trapped = false) {
    const Exit* from = link_from_;
    link_from_ = nullptr;
    if (state_.pending.load(std::memory_order_relaxed) != 0 && !service_pending(state_)) break;
    if (visitor_.enter()) {
      from = nullptr;
      state_.hart->forget_jumps();
    }
    if (state_.jit.windows.roamed_count != 0) mirror_.serve(state_.jit.windows, state_.hart->window_table().entries());
    mmu::JumpCache& jumps = use_caches(Mode::of(state_));
    const std::byte* entry = from == nullptr && !interprets_next_ ? jumps.find(state_.pc) : nullptr;
    if (entry == nullptr) {
      const std::byte* const host = fetch();
      if (host == nullptr) continue;
      entry = find(host, from);
      if (entry == nullptr) {
        interpret();
        continue;
      }
      jumps.add(state_.pc, entry);
    }
    state_.pc_page = state_.pc & ~(hv::kGuestPageSize - 1);
    const Exit* const exit = engine_.thunks().enter(&state_, entry);
    engine_.see_added();
    if (exit != nullptr)
      leave_by(*exit);
    else
      ++state_.jit.counters.returns;
  }
  visitor_.leave();
}

void Runner::interpret() noexcept {
  ++state_.jit.counters.interpreted;
  visitor_.leave();
  emu::interp::run_threaded(&state_, interp::enter(state_));
}

mmu::JumpCache& Runner::use_caches(Mode mode) noexcept {
  mmu::JumpCache& jumps = state_.hart->fetch_table().jumps(mode.fp_enabled() ? 1 : 0);
  jumps.use_mode(mode.number());
  state_.jit.jumps = &jumps;
  state_.jit.jump_table = engine_.jump_table(mode.number());
  return jumps;
}

const std::byte* Runner::find(const std::byte* host, const Exit* from) noexcept {
  if (interprets_next_ || !interp::is_whole_page_executable(state_)) return nullptr;
  const unsigned mode = Mode::of(state_).number();
  const std::byte* const entry = engine_.find(host, mode);
  if (entry != nullptr && from != nullptr && interp::page_of(host) == reinterpret_cast<uintptr_t>(from->page) &&
      from->offset == static_cast<int32_t>(state_.pc & (hv::kGuestPageSize - 1))) {
    engine_.link(*from, host, mode);
  }
  return entry;
}

void Runner::leave_by(const Exit& exit) noexcept {
  state_.jit.counters.leave(exit.kind);
  state_.pc = state_.pc_page + static_cast<uint64_t>(int64_t{exit.offset});
  switch (exit.kind) {
    case Exit::Kind::link:
      link_from_ = &exit;
      return;
    case Exit::Kind::pending:
      if (exit.insn != nullptr) state_.retired += exit.insn->index;
      return;
    case Exit::Kind::alone:
      state_.retired += exit.insn->index;
      interprets_next_ = true;
      return;
    case Exit::Kind::system:
      state_.retired += exit.insn->index;
      reinterpret_cast<void (*)(HartState&, const Insn&) noexcept>(exit.helper)(state_, *exit.insn);
      state_.retired += state_.trapped ? 0 : 1;
      state_.trapped = false;
      return;
  }
}

bool Runner::takes_over(const std::byte* host, emu::interp::Block& block) noexcept {
  if (lockstep_) return lockstep_->takes_over();
  if (std::exchange(interprets_next_, false) || !interp::is_whole_page_executable(state_)) return false;
  const uint32_t hot_after = uint32_t{hot_after_} << block.evictions;
  if (block.heat < hot_after && ++block.heat < hot_after) return false;
  if (engine_.find(host, Mode::of(state_).number()) != nullptr) return true;
  if (std::exchange(block.was_translated, false) && engine_.evicts()) {
    // Translations that soon make room again cost more than they save: the block is to repeat more often each time.
    block.evictions = std::min<uint8_t>(block.evictions + 1, kMostEvictions);
    block.heat = 0;
    return false;
  }
  if (translate(host)) {
    block.was_translated = true;
    return true;
  }
  block.heat = hot_after_ / 2;  // there was no room, or the block cannot be translated: not each time again
  return false;
}

const std::byte* Runner::next_page() noexcept {
  const uint64_t address = (state_.pc & ~(hv::kGuestPageSize - 1)) + hv::kGuestPageSize;
  const mmu::TlbEntry& entry = state_.fetch_tlb[mmu::Tlb::index(address)];
  if (entry.execute != address) return nullptr;
  const auto* const host = reinterpret_cast<const std::byte*>(entry.addend + address);
  note_code(state_, host);
  return host;
}

bool Runner::translate(const std::byte* host) noexcept {
  const auto begin = std::chrono::steady_clock::now();
  note_code(state_, host);
  Translation made = jit::translate(host, Mode::of(state_), [this] { return next_page(); });
  if (made.block != nullptr) made.block->pc = state_.pc;
  const bool added = made.block != nullptr && engine_.add(made.ir, std::move(made.block));
  state_.jit.counters.translation_ns += static_cast<uint64_t>((std::chrono::steady_clock::now() - begin).count());
  return added;
}

}  // namespace emu::riscv::jit
