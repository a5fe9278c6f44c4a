#include "emu/jit/x64/thunks.h"

#include <bit>
#include <cstring>

#include <asmjit/x86.h>

#include "emu/jit/scratch.h"
#include "emu/jit/x64/access_thunks.h"
#include "emu/jit/x64/code_buffer.h"
#include "emu/jit/x64/lookup.h"
#include "emu/jit/x64/registers.h"
#include "hv/core/guest_address.h"

namespace emu::jit::x64 {
namespace {

using namespace asmjit;
using namespace asmjit::x86;

class ThunkEmitter {
 public:
  ThunkEmitter(Assembler& a, const Layout& layout) : a_(a), layout_(layout) {}

  void enter() {
    for (const Gp& reg : kCalleeSaved) a_.push(reg);
    a_.sub(rsp, kFrameBytes);
    a_.lea(kState, ptr(rdi, kStateBias));
    load_pinned();
    a_.jmp(rsi);
  }
  void leave() {
    store_pinned();
    leave_stored();
  }
  /// `leave` where the pinned registers are in the state already.
  void leave_stored() {
    a_.bind(leave_stored_);
    a_.add(rsp, kFrameBytes);
    for (size_t i = kCalleeSaved.size(); i-- > 0;) a_.pop(kCalleeSaved[i]);
    a_.ret();
  }

  /// rax: the guest address. By way of the inline TLB to the host address of the code, and from there to the block,
  /// which the vCPU's JumpCache then knows.
  void jump(const Label& leave) {
    const Label miss = a_.newLabel();
    a_.mov(state(layout_.pc), rax);
    find_tlb_entry(a_, rcx, rdx, rax, state(layout_.fetch_tlb));
    a_.mov(rdx, rax);
    a_.and_(rdx, -static_cast<int32_t>(hv::kGuestPageSize));
    a_.cmp(rdx, qword_ptr(rcx, offsetof(mmu::TlbEntry, execute)));
    a_.jne(miss);
    a_.mov(rdi, qword_ptr(rcx, offsetof(mmu::TlbEntry, addend)));
    a_.add(rdi, rax);
    a_.mov(ecx, edi);
    a_.mov(rsi, rdi);
    a_.shr(ecx, 1);
    a_.shr(rsi, 16);
    a_.xor_(ecx, esi);
    a_.and_(ecx, static_cast<int32_t>(kJumpTableEntries - 1));
    a_.mov(rsi, scratch(offsetof(Scratch, jump_table)));
    a_.mov(rsi, qword_ptr(rsi, rcx, 3));
    a_.cmp(rdi, qword_ptr(rsi, -8));
    a_.jne(miss);
    a_.cmp(dword_ptr(kState, layout_.pending - kStateBias), 0);
    a_.jne(miss);
    a_.mov(state(layout_.pc_page), rdx);
    a_.mov(rdi, scratch(offsetof(Scratch, jumps)));
    make_jump_index(a_, rcx, rax);
    a_.mov(jump_entry(rdi, rcx, offsetof(mmu::JumpCache::Entry, address)), rax);
    a_.mov(jump_entry(rdi, rcx, offsetof(mmu::JumpCache::Entry, code)), rsi);
    a_.mov(rcx, rax);
    a_.shr(eax, hv::kGuestPageShift);
    a_.and_(eax, static_cast<int32_t>(mmu::JumpCache::kPages / 2 - 1));
    a_.shr(rcx, 63);
    a_.shl(ecx, std::countr_zero(mmu::JumpCache::kPages / 2));
    a_.or_(eax, ecx);
    a_.mov(byte_ptr(rdi, rax, 0, offsetof(mmu::JumpCache, has_entries)), 1);
    a_.mov(byte_ptr(rdi, offsetof(mmu::JumpCache, is_empty)), 0);
    a_.jmp(rsi);
    a_.bind(miss);
    a_.xor_(eax, eax);
    a_.jmp(leave);
  }

  /// The packed AccessInfo was pushed by the caller. Keeps every register.
  void access(Layout::Access function) {
    store_pinned();
    save_temporaries();
    a_.lea(rdi, ptr(kState, -kStateBias));
    a_.mov(rsi, qword_ptr(rsp, 8));
    call_aligned(reinterpret_cast<uint64_t>(function));
    a_.test(al, al);
    const Label ok = a_.newLabel();
    a_.jne(ok);
    a_.add(rsp, 16);
    a_.xor_(eax, eax);
    a_.jmp(leave_stored_);
    a_.bind(ok);
    load_pinned();
    load_temporaries();
    a_.ret(8);
  }

  void evaluate() {
    store_pinned();
    save_temporaries();
    a_.lea(rdi, ptr(kState, -kStateBias));
    a_.mov(rsi, scratch(offsetof(Scratch, slow_address)));
    a_.mov(rdx, scratch(offsetof(Scratch, slow_value)));
    a_.sub(rsp, 8);
    a_.call(scratch(offsetof(Scratch, evaluator)));
    a_.add(rsp, 8);
    a_.mov(scratch(offsetof(Scratch, slow_value)), rax);
    load_pinned();
    load_temporaries();
    a_.ret();
  }

  /// The window's number and the limit that it gets for a page were pushed. It has a page's base and addend already.
  void move_window() {
    static_assert(sizeof(mmu::Window) == 1 << 5 && sizeof(mmu::Run) == 1 << 5);
    using mmu::Window;
    using mmu::Windows;
    const auto windows = [this](size_t offset, Gp index, unsigned shift, uint32_t size) {
      return ptr(kState, index, shift, layout_.scratch - kStateBias + static_cast<int32_t>(offset), size);
    };
    const auto window = [&](size_t field, uint32_t size) {
      return windows(offsetof(Scratch, windows.all) + field, rcx, 0, size);
    };
    const auto run = [&](size_t field) { return windows(offsetof(Scratch, windows.runs) + field, rsi, 0, 8); };
    const Mem limit = window(offsetof(Window, limit), 8);
    const Mem patience = window(offsetof(Window, patience), 2);
    const Mem is_listed = window(offsetof(Window, is_listed), 1);
    const Label listed = a_.newLabel();
    const Label one_page = a_.newLabel();
    const Label done = a_.newLabel();
    static_assert(Windows::kRuns == 1 << 4);
    constexpr int kPushed = 5;
    for (const Gp& gp : {rax, rcx, rdx, rsi, rdi}) a_.push(gp);
    a_.mov(edx, dword_ptr(rsp, 8 * (kPushed + 1)));
    a_.movzx(eax, dx);
    a_.shr(edx, 16);
    a_.mov(ecx, edx);
    a_.shl(ecx, 5);

    // To the run around the page, if there is one. Those for stores lie behind those for loads.
    Mem has_runs = scratch(offsetof(Scratch, windows.has_runs));
    has_runs.setSize(1);
    a_.cmp(has_runs, 0);
    a_.je(one_page);
    a_.mov(rsi, window(offsetof(Window, base), 8));
    a_.shr(rsi, Windows::kRunShift);
    a_.mov(rdi, rsi);
    a_.shr(rdi, Windows::kRunFold - Windows::kRunShift);
    a_.xor_(esi, edi);
    a_.and_(esi, Windows::kRuns - 1);
    a_.mov(edi, edx);
    a_.and_(edi, Windows::kGroup - 1);
    a_.cmp(edi, Windows::kFirstStores);
    a_.sbb(edi, edi);
    a_.add(edi, 1);
    a_.shl(edi, 4);
    a_.add(esi, edi);
    a_.shl(esi, 5);
    a_.mov(rdi, window(offsetof(Window, base), 8));
    a_.sub(rdi, run(offsetof(mmu::Run, base)));
    a_.cmp(rdi, run(offsetof(mmu::Run, length)));
    a_.jae(one_page);
    a_.add(rax, run(offsetof(mmu::Run, length)));
    a_.sub(rax, imm(hv::kGuestPageSize));
    a_.mov(rdi, run(offsetof(mmu::Run, base)));
    a_.mov(window(offsetof(Window, base), 8), rdi);
    a_.mov(rdi, run(offsetof(mmu::Run, addend)));
    a_.mov(window(offsetof(Window, addend), 8), rdi);
    a_.bind(one_page);
    a_.mov(limit, rax);

    a_.cmp(is_listed, 0);
    a_.jne(listed);
    a_.mov(is_listed, 1);
    const Mem count = scratch(offsetof(Scratch, windows.open_count));
    a_.mov(rax, count);
    a_.mov(windows(offsetof(Scratch, windows.open), rax, 1, 2), dx);
    a_.add(count, 1);
    a_.bind(listed);

    a_.cmp(patience, 0xffff);
    a_.jne(done);
    a_.mov(patience, Windows::kPatience);
    const Mem roamed_count = scratch(offsetof(Scratch, windows.roamed_count));
    a_.mov(rax, roamed_count);
    a_.cmp(rax, Windows::kMostRoamed);
    a_.jae(done);
    a_.mov(windows(offsetof(Scratch, windows.roamed), rax, 1, 2), dx);
    a_.add(roamed_count, 1);
    a_.bind(done);
    for (const Gp& gp : {rdi, rsi, rdx, rcx, rax}) a_.pop(gp);
    a_.ret(8);
  }

  void call() {
    store_pinned();
    a_.lea(rdi, ptr(kState, -kStateBias));
    a_.sub(rsp, 8);
    a_.call(imm(reinterpret_cast<uint64_t>(layout_.call)));
    a_.add(rsp, 8);
    a_.test(al, al);
    const Label ok = a_.newLabel();
    a_.jne(ok);
    a_.add(rsp, 8);
    a_.xor_(eax, eax);
    a_.jmp(leave_stored_);
    a_.bind(ok);
    load_pinned();
    a_.ret();
  }

  Label& leave_stored_label() { return leave_stored_; }

 private:
  static constexpr std::array<Gp, 6> kCalleeSaved = {rbx, rbp, r12, r13, r14, r15};

  Mem state(int32_t offset) const { return qword_ptr(kState, offset - kStateBias); }
  Mem scratch(size_t offset) const { return state(layout_.scratch + static_cast<int32_t>(offset)); }
  Mem guest_x(size_t hot) const { return state(layout_.x + 8 * layout_.hot_x[hot]); }
  Mem guest_f(size_t hot) const { return state(layout_.f + 8 * layout_.hot_f[hot]); }
  Mem saved(size_t offset, size_t i) const { return scratch(offset + 8 * i); }

  void store_pinned() {
    for (size_t i = 0; i < kIntegerBank.pinned_count; ++i) a_.mov(guest_x(i), gpq(kIntegerBank.pinned[i]));
    for (size_t i = 0; i < kFloatBank.pinned_count; ++i) a_.vmovq(guest_f(i), xmm(kFloatBank.pinned[i]));
  }
  void load_pinned() {
    for (size_t i = 0; i < kIntegerBank.pinned_count; ++i) a_.mov(gpq(kIntegerBank.pinned[i]), guest_x(i));
    for (size_t i = 0; i < kFloatBank.pinned_count; ++i) a_.vmovq(xmm(kFloatBank.pinned[i]), guest_f(i));
  }
  void save_temporaries() {
    for (size_t i = 0; i < kIntegerBank.temporary_count; ++i)
      a_.mov(saved(offsetof(Scratch, integers), i), gpq(kIntegerBank.temporaries[i]));
    for (size_t i = 0; i < kFloatBank.temporary_count; ++i)
      a_.vmovq(saved(offsetof(Scratch, floats), i), xmm(kFloatBank.temporaries[i]));
  }
  void load_temporaries() {
    for (size_t i = 0; i < kIntegerBank.temporary_count; ++i)
      a_.mov(gpq(kIntegerBank.temporaries[i]), saved(offsetof(Scratch, integers), i));
    for (size_t i = 0; i < kFloatBank.temporary_count; ++i)
      a_.vmovq(xmm(kFloatBank.temporaries[i]), saved(offsetof(Scratch, floats), i));
  }
  /// Blocks run with rsp aligned to 16; here a return address and a pushed word lie on top.
  void call_aligned(uint64_t function) { a_.call(imm(function)); }

  Assembler& a_;
  const Layout& layout_;
  Label leave_stored_ = a_.newLabel();
};

}  // namespace

Thunks make_thunks(Arena& arena, const Layout& layout) {
  const std::byte* const base = arena.executable();
  CodeBuffer buffer;
  buffer.begin(reinterpret_cast<uint64_t>(base));
  Assembler& a = buffer.assembler();
  ThunkEmitter emitter(a, layout);
  AccessThunks accesses(a, layout);
  const auto here = [&a, base] {
    a.align(AlignMode::kCode, 16);
    return base + a.offset();
  };
  const auto access = [&](Layout::Access function) {
    const std::byte* const begin = here();
    emitter.access(function);
    return begin;
  };
  Thunks thunks;
  const Label leave = a.newLabel();
  thunks.enter = reinterpret_cast<Thunks::Enter>(reinterpret_cast<uintptr_t>(here()));
  emitter.enter();
  thunks.leave = here();
  a.bind(leave);
  emitter.leave();
  thunks.jump = here();
  emitter.jump(leave);
  thunks.load_near = here();
  accesses.near(false);
  thunks.load = here();
  accesses.refill(false);
  access(layout.load);
  thunks.store_near = here();
  accesses.near(true);
  thunks.store = here();
  accesses.refill(true);
  access(layout.store);
  thunks.read_modify_write = access(layout.read_modify_write);
  thunks.compare_and_swap = access(layout.compare_and_swap);
  thunks.load_reserved = access(layout.load_reserved);
  thunks.store_conditional = access(layout.store_conditional);
  thunks.zero_block = access(layout.zero_block);
  thunks.move_window = here();
  emitter.move_window();
  thunks.evaluate = here();
  emitter.evaluate();
  thunks.call = here();
  emitter.call();
  a.align(AlignMode::kCode, 16);
  a.embedUInt64(0);  // the key: no guest code lies there
  thunks.no_block = base + a.offset();
  a.ud2();
  arena.take(buffer.finish(arena.writable()));
  return thunks;
}

}  // namespace emu::jit::x64
