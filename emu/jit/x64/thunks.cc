#include "emu/jit/x64/thunks.h"

#include <cstring>

#include <asmjit/x86.h>

#include "emu/jit/scratch.h"
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
    a_.shr(eax, hv::kGuestPageShift);
    a_.and_(eax, static_cast<int32_t>(mmu::JumpCache::kPages - 1));
    a_.mov(byte_ptr(rdi, rax, 0, offsetof(mmu::JumpCache, has_entries)), 1);
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
  CodeBuffer buffer;
  buffer.begin(reinterpret_cast<uint64_t>(arena.executable()));
  Assembler& a = buffer.assembler();
  ThunkEmitter emitter(a, layout);
  std::array<size_t, 12> at{};
  const auto mark = [&](size_t which) {
    a.align(AlignMode::kCode, 16);
    at[which] = a.offset();
  };
  const Label leave = a.newLabel();
  mark(0);
  emitter.enter();
  mark(1);
  a.bind(leave);
  emitter.leave();
  mark(2);
  emitter.jump(leave);
  mark(3);
  emitter.access(layout.load);
  mark(4);
  emitter.access(layout.store);
  mark(5);
  emitter.call();
  mark(7);
  emitter.access(layout.read_modify_write);
  mark(8);
  emitter.access(layout.compare_and_swap);
  mark(9);
  emitter.access(layout.load_reserved);
  mark(10);
  emitter.access(layout.store_conditional);
  mark(11);
  emitter.evaluate();
  a.align(AlignMode::kCode, 16);
  a.embedUInt64(0);  // the key: no guest code lies there
  at[6] = a.offset();
  a.ud2();

  const std::byte* const base = arena.executable();
  const size_t size = buffer.finish(arena.writable());
  arena.take(size);
  return {
      .enter = reinterpret_cast<Thunks::Enter>(reinterpret_cast<uintptr_t>(base + at[0])),
      .leave = base + at[1],
      .jump = base + at[2],
      .load = base + at[3],
      .store = base + at[4],
      .read_modify_write = base + at[7],
      .compare_and_swap = base + at[8],
      .load_reserved = base + at[9],
      .store_conditional = base + at[10],
      .evaluate = base + at[11],
      .call = base + at[5],
      .no_block = base + at[6],
  };
}

}  // namespace emu::jit::x64
