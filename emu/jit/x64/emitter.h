#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <asmjit/x86.h>

#include "emu/ir/ir.h"
#include "emu/jit/block.h"
#include "emu/jit/layout.h"
#include "emu/jit/x64/thunks.h"
#include "emu/jit/x64/values.h"
#include "emu/jit/x64/window_slots.h"

namespace emu::jit::x64 {

/// Turns one IR block into host code. Used for one block after the other, by one thread at a time.
class Emitter {
 public:
  Emitter(asmjit::x86::Assembler& a, const Layout& layout, const Thunks& thunks);

  /// The size of what comes before a block's entry point: its key, bytes.
  static constexpr size_t kPrefix = 16;

  /// Appends the code of `ir`; `out` has host, insns, and gets its exits. Their sites are offsets in the code until
  /// `place` is called.
  void emit(const ir::Block& ir, Block& out);

 private:
  using Gp = asmjit::x86::Gp;
  using Xmm = asmjit::x86::Xmm;
  using Mem = asmjit::x86::Mem;
  using Label = asmjit::Label;
  using Condition = asmjit::x86::CondCode;

  void find_fusions();
  void emit_node(ir::Ref at);

  // integer.cc
  void binary(ir::Ref at, ir::Op op, ir::Ref a, ir::Ref b, unsigned bytes);
  void add(ir::Ref at, ir::Ref a, ir::Ref b, unsigned bytes);
  void sub(ir::Ref at, ir::Ref a, ir::Ref b, unsigned bytes);
  void mul(ir::Ref at, ir::Ref a, ir::Ref b, unsigned bytes);
  void shift(ir::Ref at, ir::Op op, ir::Ref a, ir::Ref b, unsigned bytes);
  void rotate(ir::Ref at, ir::Op op, ir::Ref a, ir::Ref b, unsigned bytes);
  void unary(ir::Ref at);
  void sext32(ir::Ref at);
  void mul_high(ir::Ref at);
  void divide(ir::Ref at, ir::Op op, unsigned bytes);
  /// Shifted left by what an address can have its index shifted.
  bool is_scaled(ir::Ref value) const;
  void fill_bytes(ir::Ref at);
  void carryless(ir::Ref at);
  void set_condition(ir::Ref at);
  void select(ir::Ref at);
  /// Compares as node `at` says, or with 0; the condition under which it is true.
  Condition compare(ir::Ref at);

  // memory.cc
  /// A guest address.
  struct Place {
    Gp base;
    int32_t offset;
    bool on_stack = false;  ///< it is the stack pointer's value, give or take a constant
  };
  /// A checked access: where it goes, and where the code is that goes on if the check failed.
  struct Access {
    Mem mem;
    Place place;
    Label slow;
    const std::byte* thunk;
  };
  Place place_of(ir::Ref address);
  bool is_on_stack(ir::Ref address) const;
  /// Emits the check of a load or store, by the inline TLB or by `reach` if that is not kNone.
  Access check(const ir::Node& node, Place place, ir::Ref reach, bool stores);
  /// A scratch register with the addend of the page of all `size` bytes; `none` is jumped to where there is none.
  Gp find_addend(Place place, unsigned size, bool stores, Label none);
  /// The same, in `addend`: by the inline TLB, which leaves the page's address in `page`, or through a window before.
  void look_up(Gp addend, Gp page, Place place, unsigned size, bool stores, Label none);
  void look_through_window(Gp addend, Gp page, Place place, unsigned size, bool stores, Label none);
  void load_address(Gp to, Place place, int32_t more);
  void reach(ir::Ref at);
  void load(ir::Ref at);
  void store(ir::Ref at);
  void zero_block(ir::Ref at);
  /// Calls the slow path of an access, with its address.
  void slow_access(const ir::Node& node, Place place, const std::byte* thunk);

  // atomic.cc
  void read_modify_write(ir::Ref at);
  void compare_and_swap(ir::Ref at);
  void load_reserved(ir::Ref at);
  void store_conditional(ir::Ref at);
  /// The check for an access that is naturally aligned.
  /// The entry for an address, in a register of its own; the addend in the entry's place if the entry has `tag`.
  Gp tlb_entry(Gp address, Gp spare);
  Gp addend_if(Gp entry, Gp tag, int tag_offset, Label slow);
  Gp check_aligned(Gp address, Gp work, unsigned size, int tag_offset, Label slow);
  void sign_extend(Gp value, unsigned bytes);

  // float.cc
  void float_arithmetic(ir::Ref at);
  void float_fma(ir::Ref at);
  void float_compare(ir::Ref at);
  void float_min_max(ir::Ref at);
  void float_convert(ir::Ref at);
  void box(ir::Ref at);
  void unbox(ir::Ref at);
  void make_nan_canonical(Xmm value, unsigned size);

  // float_convert.cc
  void float_to_int(ir::Ref at);
  void float_from_unsigned(ir::Ref at);
  void float_round(ir::Ref at);
  void float_from_half(ir::Ref at);
  void float_to_half(ir::Ref at);
  void evaluate(ir::Ref at);
  /// Converts to `bytes`; `whole` is there for rounding.
  void convert_to_int(Gp to, Xmm from, Xmm whole, const ir::Node& node, unsigned bytes);
  /// What is right where the host gave the smallest integer.
  void fit_signed(Gp to, Xmm from, const ir::Node& node, Label done);
  /// Calls the evaluator of `node` for the bits of `from` and the node's direction; the value is then in slow_value.
  void evaluate_slowly(Xmm from, const ir::Node& node);
  void call_evaluator(uint64_t evaluator);

  // control.cc
  void call(ir::Ref at);
  void jump(ir::Ref at);
  void branch(ir::Ref at);
  void jump_register(ir::Ref at);
  void system(ir::Ref at);
  void system_if(ir::Ref at);
  Exit* system_exit(ir::Ref at);
  void retire(ir::Ref at, unsigned more);
  void check_pending(ir::Ref at);
  void next_page(ir::Ref at);
  bool closes_loop(ir::Ref at, int64_t target) const;
  /// To the guest address in rax by the vCPU's JumpCache.
  void jump_by_cache(bool checks_pending);
  /// A jump that can be patched, taken if `condition` or always.
  void linked_jump(int64_t target, const Condition* condition);
  void leave(Label from, Exit* exit);
  Exit* new_exit(Exit exit);
  uint16_t pc_offset(ir::Ref at) const { return ir_->insns[(*ir_)[at].insn].pc_offset; }

  Mem state(int32_t offset) const { return values_.state(offset); }
  Mem scratch(size_t offset) const { return state(layout_.scratch + static_cast<int32_t>(offset)); }
  /// Adds one to what lies at `offset` in the Counters, if counts are wanted. Flags are lost.
  void count(size_t offset);
  const ir::Node& node(ir::Ref at) const { return (*ir_)[at]; }
  bool is_constant(ir::Ref at) const { return node(at).op == ir::Op::constant; }
  /// A label without a place yet.
  Label label() { return a_.newLabel(); }
  /// Emitted behind the block.
  void cold(std::function<void()> emit) { cold_.push_back(std::move(emit)); }

  asmjit::x86::Assembler& a_;
  const Layout& layout_;
  const Thunks& thunks_;
  Values values_;
  const ir::Block* ir_ = nullptr;
  Block* out_ = nullptr;
  std::vector<bool> fused_;
  std::vector<uint8_t> float_uses_;  ///< by node: uses that want it in a floating-point register
  std::vector<uint16_t> uses_;
  std::vector<std::function<void()>> cold_;
  WindowSlots window_slots_;
};

}  // namespace emu::jit::x64
