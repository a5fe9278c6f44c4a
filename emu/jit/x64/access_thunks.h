#pragma once

#include <cstddef>
#include <cstdint>

#include <asmjit/x86.h>

#include "emu/jit/layout.h"

namespace emu::jit::x64 {

/// What loads and stores that missed the inline TLB try before they leave generated code. Each falls through to what
/// follows it if that was in vain, with every register as it was; else it returns to the block. `Scratch` has the
/// address, and what is stored or was loaded; the packed AccessInfo was pushed by the caller.
class AccessThunks {
 public:
  AccessThunks(asmjit::x86::Assembler& a, const Layout& layout) : a_(a), layout_(layout) {}

  /// Looks into the inline TLB, for accesses that have not yet.
  void near(bool stores);
  /// Fills the inline TLB from the second level: what SecondLevelTlb::find and Tlb::fill do, for an access within one
  /// page that needs no more than a Refill says.
  void refill(bool stores);

 private:
  void save();
  void restore();
  asmjit::x86::Mem state(int32_t offset, uint32_t size = 8) const;
  asmjit::x86::Mem scratch(size_t offset, uint32_t size = 8) const;
  asmjit::x86::Mem refill_field(size_t offset, uint32_t size = 8) const;
  void add_one(size_t counter);

  // The parts of `refill`. rax: the guest address.
  /// rcx: the page's host address and flags; edx: whether it is of the present space alone.
  void find_page(const asmjit::Label& miss);
  /// Goes on if the present mode may do so.
  void check_page(bool stores, const asmjit::Label& miss);
  /// rdi: the page's entry in the inline TLB; rax: the host address.
  void enter_page(bool stores);
  void note_page();
  /// Adds the slot in di to the SlotJournal<kMost> at rsi + `offset`; rcx is lost.
  template <size_t kMost>
  void note_slot(int32_t offset);
  /// Loads or stores at the host address in rax, and returns to the block.
  void finish(bool stores);
  void move_sized(const asmjit::x86::Gp& reg, const asmjit::x86::Mem& mem, bool stores);

  asmjit::x86::Assembler& a_;
  const Layout& layout_;
};

}  // namespace emu::jit::x64
