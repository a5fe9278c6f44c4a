#include "emu/jit/x64/access_thunks.h"

#include <array>
#include <bit>

#include "emu/jit/scratch.h"
#include "emu/jit/x64/lookup.h"
#include "emu/jit/x64/registers.h"
#include "emu/mmu/second_level_tlb.h"
#include "emu/mmu/tlb.h"
#include "hv/core/guest_address.h"

namespace emu::jit::x64 {

using asmjit::Label;
using namespace asmjit::x86;

namespace {

constexpr int32_t kPageMask = -static_cast<int32_t>(hv::kGuestPageSize);

/// What an access uses. They lie on the stack above the return address and the packed AccessInfo.
constexpr std::array<Gp, 5> kSaved = {rax, rcx, rdx, rsi, rdi};
Mem info() { return dword_ptr(rsp, 8 + 8 * kSaved.size()); }

}  // namespace

void AccessThunks::save() {
  for (const Gp& reg : kSaved) a_.push(reg);
}

void AccessThunks::restore() {
  for (size_t i = kSaved.size(); i-- > 0;) a_.pop(kSaved[i]);
}

Mem AccessThunks::state(int32_t offset, uint32_t size) const { return ptr(kState, offset - kStateBias, size); }

Mem AccessThunks::scratch(size_t offset, uint32_t size) const {
  return state(layout_.scratch + static_cast<int32_t>(offset), size);
}

Mem AccessThunks::refill_field(size_t offset, uint32_t size) const {
  return scratch(offsetof(Scratch, refill) + offset, size);
}

void AccessThunks::add_one(size_t counter) { a_.add(scratch(offsetof(Scratch, counters) + counter), 1); }

void AccessThunks::near(bool stores) {
  const Label miss = a_.newLabel();
  save();
  a_.mov(rax, scratch(offsetof(Scratch, slow_address)));
  find_tlb_entry(a_, rcx, rdx, rax, state(layout_.data_tlb));
  a_.mov(edx, info());
  a_.and_(edx, 15);
  a_.lea(rdx, ptr(rax, rdx, 0, -1));
  a_.and_(rdx, kPageMask);
  a_.cmp(rdx, qword_ptr(rcx, stores ? offsetof(mmu::TlbEntry, write) : offsetof(mmu::TlbEntry, read)));
  a_.jne(miss);
  a_.add(rax, qword_ptr(rcx, offsetof(mmu::TlbEntry, addend)));
  finish(stores);
  a_.bind(miss);
  restore();
}

void AccessThunks::refill(bool stores) {
  const Label miss = a_.newLabel();
  save();
  a_.mov(rax, scratch(offsetof(Scratch, slow_address)));
  find_page(miss);
  check_page(stores, miss);
  enter_page(stores);
  note_page();
  add_one(offsetof(Counters, refills));
  add_one(stores ? offsetof(Counters, stores) : offsetof(Counters, loads));
  finish(stores);
  a_.bind(miss);
  restore();
}

void AccessThunks::find_page(const Label& miss) {
  using View = mmu::SecondLevelTlb::View;
  constexpr int kUnused = 64 - mmu::SecondLevelTlb::kAddressBits;
  const Label own = a_.newLabel();
  const Label global = a_.newLabel();
  const Label found = a_.newLabel();
  a_.mov(edx, info());
  a_.and_(edx, 15);
  a_.lea(rdx, ptr(rax, rdx, 0, -1));
  a_.xor_(rdx, rax);
  a_.test(rdx, kPageMask);
  a_.jnz(miss);
  // rcx: the tag without the space, if the address has one.
  a_.mov(rcx, rax);
  a_.shl(rcx, kUnused);
  a_.mov(rdx, rcx);
  a_.sar(rdx, kUnused);
  a_.cmp(rdx, rax);
  a_.jne(miss);
  static_assert(hv::kGuestPageShift + kUnused == mmu::SecondLevelTlb::kSpaceBits);
  a_.and_(rcx, -(1 << mmu::SecondLevelTlb::kSpaceBits));
  // rdi: the set.
  a_.mov(rdi, rax);
  a_.shr(rdi, hv::kGuestPageShift);
  a_.mov(rdx, rdi);
  a_.shr(rdx, mmu::SecondLevelTlb::kFold);
  a_.xor_(edi, edx);
  a_.and_(edi, static_cast<int32_t>(mmu::SecondLevelTlb::kSets - 1));
  a_.shl(edi, std::countr_zero(sizeof(mmu::SecondLevelTlb::Set)));
  a_.mov(rsi, refill_field(offsetof(Refill, second_level)));
  a_.test(rsi, rsi);
  a_.jz(miss);
  a_.mov(rdx, qword_ptr(rsi, offsetof(View, sets)));
  a_.test(rdx, rdx);
  a_.jz(miss);
  a_.add(rdi, rdx);
  a_.mov(rdx, qword_ptr(rsi, offsetof(View, global)));
  a_.or_(rdx, rcx);
  a_.or_(rcx, qword_ptr(rsi, offsetof(View, own)));
  for (size_t way = 0; way < mmu::SecondLevelTlb::kWays; ++way) {
    a_.cmp(rcx, qword_ptr(rdi, offsetof(mmu::SecondLevelTlb::Entry, tag)));
    a_.je(own);
    a_.cmp(rdx, qword_ptr(rdi, offsetof(mmu::SecondLevelTlb::Entry, tag)));
    a_.je(global);
    a_.add(rdi, sizeof(mmu::SecondLevelTlb::Entry));
  }
  a_.jmp(miss);
  a_.bind(own);
  a_.mov(edx, 1);
  a_.jmp(found);
  a_.bind(global);
  a_.xor_(edx, edx);
  a_.bind(found);
  a_.mov(rcx, qword_ptr(rdi, offsetof(mmu::SecondLevelTlb::Entry, value)));
}

void AccessThunks::check_page(bool stores, const Label& miss) {
  a_.mov(esi, ecx);
  a_.and_(esi, refill_field(offsetof(Refill, mask), 4));
  a_.cmp(esi, refill_field(offsetof(Refill, wanted), 4));
  a_.jne(miss);
  const int32_t needed = layout_.read_flag | (stores ? layout_.write_flag : 0);
  a_.mov(esi, ecx);
  a_.and_(esi, needed);
  a_.cmp(esi, needed);
  a_.jne(miss);
}

void AccessThunks::enter_page(bool stores) {
  find_tlb_entry(a_, rdi, rsi, rax, state(layout_.data_tlb));
  a_.mov(rsi, rax);
  a_.and_(rsi, kPageMask);
  a_.mov(qword_ptr(rdi, offsetof(mmu::TlbEntry, read)), rsi);
  const Mem write = qword_ptr(rdi, offsetof(mmu::TlbEntry, write));
  if (stores) {
    a_.mov(write, rsi);
  } else {
    const Label no_write = a_.newLabel();
    a_.mov(write, -1);
    a_.test(ecx, layout_.write_flag);
    a_.jz(no_write);
    a_.mov(write, rsi);
    a_.bind(no_write);
  }
  static_assert(mmu::TlbEntry::kNoPage == static_cast<uint64_t>(-1));
  a_.mov(qword_ptr(rdi, offsetof(mmu::TlbEntry, execute)), -1);
  a_.and_(rcx, kPageMask);
  a_.sub(rcx, rsi);
  a_.mov(qword_ptr(rdi, offsetof(mmu::TlbEntry, addend)), rcx);
  a_.add(rax, rcx);
}

void AccessThunks::note_page() {
  const Label noted = a_.newLabel();
  a_.sub(rdi, state(layout_.data_tlb));
  a_.shr(edi, std::countr_zero(sizeof(mmu::TlbEntry)));
  a_.mov(rsi, refill_field(offsetof(Refill, journal)));
  note_slot<mmu::Tlb::Journal::kMostUsed>(offsetof(mmu::Tlb::Journal, used));
  a_.test(edx, edx);
  a_.jz(noted);
  note_slot<mmu::Tlb::Journal::kMostLocal>(offsetof(mmu::Tlb::Journal, local));
  a_.bind(noted);
}

template <size_t kMost>
void AccessThunks::note_slot(int32_t offset) {
  using Journal = mmu::SlotJournal<kMost>;
  const Label full = a_.newLabel();
  const Mem count = qword_ptr(rsi, offset + static_cast<int32_t>(offsetof(Journal, count)));
  a_.mov(rcx, count);
  a_.cmp(rcx, kMost);
  a_.ja(full);
  a_.mov(word_ptr(rsi, rcx, 1, offset + static_cast<int32_t>(offsetof(Journal, slots))), di);
  a_.add(count, 1);
  a_.bind(full);
}

void AccessThunks::finish(bool stores) {
  const Mem value = scratch(offsetof(Scratch, slow_value));
  a_.mov(ecx, info());
  a_.and_(ecx, 15);
  if (stores) a_.mov(rdx, value);
  for (const uint32_t size : {8u, 4u, 2u, 1u}) {
    const Label next = a_.newLabel();
    if (size != 1) {
      a_.cmp(ecx, size);
      a_.jne(next);
    }
    move_sized(rdx, ptr(rax, 0, size), stores);
    if (!stores) a_.mov(value, rdx);
    restore();
    a_.ret(8);
    a_.bind(next);
  }
}

void AccessThunks::move_sized(const Gp& reg, const Mem& mem, bool stores) {
  switch (mem.size()) {
    case 8:
      return void(stores ? a_.mov(mem, reg) : a_.mov(reg, mem));
    case 4:
      return void(stores ? a_.mov(mem, reg.r32()) : a_.mov(reg.r32(), mem));
    case 2:
      return void(stores ? a_.mov(mem, reg.r16()) : a_.movzx(reg.r32(), mem));
    default:
      return void(stores ? a_.mov(mem, reg.r8()) : a_.movzx(reg.r32(), mem));
  }
}

}  // namespace emu::jit::x64
