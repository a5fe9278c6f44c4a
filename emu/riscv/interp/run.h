#pragma once

#include <cstddef>

#include "emu/interp/block_cache.h"
#include "emu/isa/insn.h"
#include "emu/riscv/state.h"

namespace emu::riscv::interp {

/// Runs a hart's instructions one block after the other. Owned by the hart, used by its thread.
class Interpreter {
 public:
  /// `decoded`: bytes for decoded instructions.
  Interpreter(HartState& state, size_t decoded);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Runs from `state.pc` until service_pending says to leave; `state.pc` is then exact. A HostFp must live meanwhile.
  void run() noexcept;

 private:
  HartState& state_;
  emu::interp::BlockCache blocks_;
};

// What handlers call to go on. Each returns the instruction to run next.

/// At `state.pc`: serves what is pending, translates the address, finds or decodes the block.
const Insn* enter(HartState& state) noexcept;
/// The same, and links the present block's exit `which` to what was found where it lies in the same page.
const Insn* enter_linked(HartState& state, size_t which) noexcept;
/// By the link of the present block's exit `which`; nullptr if there is none to be followed now.
inline const Insn* follow_link(HartState& state, size_t which) noexcept {
  emu::interp::Block* const target = state.block->link[which];
  if (target == nullptr || target->epoch != state.code_epoch || state.pending.load(std::memory_order_relaxed) != 0)
      [[unlikely]] {
    return nullptr;
  }
  state.block = target;
  return target->insns();
}
/// Whether all of the page that the code at `state.pc` was fetched from may be executed. The TLB has no others: where a
/// boundary of physical memory protection splits a page, each instruction is fetched by itself.
inline bool is_whole_page_executable(const HartState& state) noexcept {
  const uint64_t page = state.pc & ~(hv::kGuestPageSize - 1);
  return state.fetch_tlb[mmu::Tlb::index(page)].execute == page;
}
/// In the trap handler, which `insn` of the present block has just entered by an exception.
const Insn* after_trap(HartState& state, const Insn& insn) noexcept;

}  // namespace emu::riscv::interp
