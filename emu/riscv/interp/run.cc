#include "emu/riscv/interp/run.h"

#include <optional>

#include "emu/interp/dispatch.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/interp/handlers.h"
#include "emu/riscv/interp/translate.h"
#include "emu/riscv/jit/run.h"

namespace emu::riscv::interp {
namespace {

using emu::interp::Block;

const Insn kLeave{.handler = leave};

/// Where the code at `address` lies, or nullptr after raising.
const std::byte* fetch(HartState& state, uint64_t address) noexcept {
  const mmu::TlbEntry& entry = state.fetch_tlb[mmu::Tlb::index(address)];
  if (entry.execute == (address & ~(hv::kGuestPageSize - 1))) [[likely]] {
    return reinterpret_cast<const std::byte*>(entry.addend + address);
  }
  return fetch_slow(state, address);
}

/// The encoding of the instruction at `state.pc`, which lies at `host` or, its second half, where another fetch finds
/// it. Nothing after raising.
std::optional<uint32_t> fetch_alone(HartState& state, const std::byte* host) noexcept {
  if (!is_long(host)) return short_insn(host);
  const std::byte* const second_half = fetch(state, state.pc + 2);
  if (second_half == nullptr) return std::nullopt;
  return crossing_insn(host, second_half);
}

/// A block that cannot be entered just as it was found: none at all, one whose code may have changed, one of an
/// instruction alone, whose second half may be another one each time. nullptr after raising.
Block* renew(HartState& state, const std::byte* host, Block* block) noexcept {
  emu::interp::BlockCache& blocks = *state.blocks;
  note_code(state, host);
  if (crosses_page(host) || !is_whole_page_executable(state)) {
    const auto raw = fetch_alone(state, host);
    if (!raw) return nullptr;
    if (block == nullptr || !block->crosses_page || block->insns()->raw != *raw)
      block = translate_crossing(blocks, host, *raw);
  } else if (block == nullptr || block->crosses_page || !is_unchanged(*block)) {
    block = translate(blocks, host);
  }
  block->epoch = state.code_epoch;
  return block;
}

}  // namespace

const Insn* enter(HartState& state) noexcept {
  for (;; state.trapped = false) {
    if (state.pending.load(std::memory_order_relaxed) != 0 && !service_pending(state)) return &kLeave;
    const std::byte* const host = fetch(state, state.pc);
    if (host == nullptr) continue;
    Block* block = state.blocks->find(host);
    if (block == nullptr || block->epoch != state.code_epoch || block->crosses_page) [[unlikely]] {
      block = renew(state, host, block);
      if (block == nullptr) continue;
    }
    if (state.runner != nullptr && state.runner->takes_over(host, *block)) return &kLeave;
    state.block = block;
    state.pc_page = state.pc & ~(hv::kGuestPageSize - 1);
    return block->insns();
  }
}

const Insn* enter_linked(HartState& state, size_t which) noexcept {
  Block* const from = state.block;
  const uint64_t generation = state.blocks->generation();
  const uint64_t target = state.pc;
  const Insn* const next = enter(state);
  Block* const to = state.block;
  const bool arrived = next == to->insns() && state.pc == target && state.blocks->generation() == generation;
  if (arrived && state.runner == nullptr && page_of(from->host) == page_of(to->host) && !from->crosses_page &&
      !to->crosses_page)
    from->link[which] = to;
  return next;
}

const Insn* after_trap(HartState& state, const Insn& insn) noexcept {
  state.retired += insn.index;
  state.trapped = false;
  return enter(state);
}

Interpreter::Interpreter(HartState& state, size_t decoded) : state_(state), blocks_(decoded) {
  state.blocks = &blocks_;
}
Interpreter::~Interpreter() { state_.blocks = nullptr; }

void Interpreter::run() noexcept { emu::interp::run_threaded(&state_, enter(state_)); }

}  // namespace emu::riscv::interp
