#pragma once

#include <bit>

#include <asmjit/x86.h>

#include "emu/mmu/jump_cache.h"
#include "emu/mmu/tlb.h"
#include "hv/core/guest_address.h"

/// How generated code finds its way in the tables of emu/mmu: the same that Tlb::index and JumpCache::index say.
namespace emu::jit::x64 {

/// `entry` = address of the TLB entry for `address`. `table` holds the address of the first; `spare` is lost. Five
/// instructions, of which two lie on the way from the address to the entry beside the addition.
inline void find_tlb_entry(asmjit::x86::Assembler& a, const asmjit::x86::Gp& entry, const asmjit::x86::Gp& spare,
                           const asmjit::x86::Gp& address, const asmjit::x86::Mem& table) {
  constexpr unsigned kShift = hv::kGuestPageShift - std::countr_zero(sizeof(mmu::TlbEntry));
  a.rorx(entry, address, kShift);
  a.rorx(spare, address, kShift + mmu::Tlb::kFold);
  a.xor_(entry.r32(), spare.r32());
  a.and_(entry.r32(), static_cast<int32_t>((mmu::Tlb::kEntries - 1) * sizeof(mmu::TlbEntry)));
  a.add(entry, table);
}

/// The entry of `address` in the JumpCache at `base`, once `index` was made by `make_jump_index`.
inline asmjit::x86::Mem jump_entry(const asmjit::x86::Gp& base, const asmjit::x86::Gp& index, int32_t field) {
  static_assert(sizeof(mmu::JumpCache::Entry) == 2 << 3 && offsetof(mmu::JumpCache, entries) == 0);
  return asmjit::x86::qword_ptr(base, index, 3, field);
}
inline void make_jump_index(asmjit::x86::Assembler& a, const asmjit::x86::Gp& index, const asmjit::x86::Gp& address) {
  a.rorx(index, address, mmu::JumpCache::kFold);
  a.xor_(index.r32(), address.r32());
  a.and_(index.r32(), static_cast<int32_t>((mmu::JumpCache::kEntries - 1) << 1));
}

}  // namespace emu::jit::x64
