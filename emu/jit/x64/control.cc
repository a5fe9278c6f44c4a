#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"
#include "emu/jit/x64/lookup.h"
#include "hv/base/check.h"
#include "hv/core/guest_address.h"

/// Ways out of a block.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Ref;

Exit* Emitter::new_exit(Exit exit) {
  out_->exits.push_back(std::make_unique<Exit>(exit));
  const auto page = reinterpret_cast<uintptr_t>(out_->host) & ~uintptr_t{hv::kGuestPageSize - 1};
  out_->exits.back()->page = reinterpret_cast<const std::byte*>(page);
  return out_->exits.back().get();
}

void Emitter::leave(Label from, Exit* exit) {
  a_.bind(from);
  a_.mov(rax, imm(reinterpret_cast<uint64_t>(exit)));
  a_.jmp(imm(reinterpret_cast<uint64_t>(thunks_.leave)));
}

void Emitter::retire(Ref at, unsigned more) {
  const unsigned count = ir_->insns[node(at).insn].index + more;
  if (count != 0) a_.add(state(layout_.retired), count);
}

bool Emitter::closes_loop(Ref at, int64_t target) const { return target <= pc_offset(at); }

void Emitter::check_pending(Ref at) {
  const Label pending = label();
  a_.cmp(dword_ptr(kState, layout_.pending - kStateBias), 0);
  a_.jne(pending);
  Exit* const exit =
      new_exit({.kind = Exit::Kind::pending, .offset = pc_offset(at), .insn = &ir_->insns[node(at).insn]});
  cold([=, this] { leave(pending, exit); });
}

void Emitter::next_page(Ref at) {
  const Label elsewhere = label();
  const Gp page = values_.scratch_gp();
  const Gp spare = values_.scratch_gp();
  const Gp entry = values_.scratch_gp();
  a_.mov(page, state(layout_.pc_page));
  a_.add(page, imm(hv::kGuestPageSize));
  find_tlb_entry(a_, entry, spare, page, state(layout_.fetch_tlb));
  a_.cmp(page, qword_ptr(entry, offsetof(mmu::TlbEntry, execute)));
  a_.jne(elsewhere);
  a_.add(page, qword_ptr(entry, offsetof(mmu::TlbEntry, addend)));
  a_.mov(spare, imm(node(at).imm));
  a_.cmp(page, spare);
  a_.jne(elsewhere);
  Exit* const exit = new_exit({.kind = Exit::Kind::alone, .offset = pc_offset(at), .insn = &ir_->insns[node(at).insn]});
  cold([=, this] { leave(elsewhere, exit); });
}

// Inline, so that the host predicts each jump by itself.
void Emitter::jump_by_cache(bool checks_pending) {
  const Label miss = label();
  count(offsetof(Counters, jumps.all));
  make_jump_index(a_, rdx, rax);
  a_.mov(rcx, state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, jumps))));
  a_.cmp(rax, jump_entry(rcx, rdx, offsetof(mmu::JumpCache::Entry, address)));
  a_.jne(miss);
  if (checks_pending) {
    a_.cmp(dword_ptr(kState, layout_.pending - kStateBias), 0);
    a_.jne(miss);
  }
  a_.and_(rax, -static_cast<int32_t>(hv::kGuestPageSize));
  a_.mov(state(layout_.pc_page), rax);
  a_.jmp(jump_entry(rcx, rdx, offsetof(mmu::JumpCache::Entry, code)));
  cold([=, this] {
    a_.bind(miss);
    count(offsetof(Counters, jumps.missed));
    a_.jmp(imm(reinterpret_cast<uint64_t>(thunks_.jump)));
  });
}

void Emitter::linked_jump(int64_t target, const Condition* condition) {
  if (target < 0 || target >= static_cast<int64_t>(hv::kGuestPageSize)) {
    // Another page, of which nobody knows yet where it is.
    const Label away = label();
    const auto go = [this, target] {
      a_.mov(rax, state(layout_.pc_page));
      a_.add(rax, imm(target));
      jump_by_cache(false);
    };
    if (condition == nullptr) return go();
    a_.j(*condition, away);
    return cold([=, this] {
      a_.bind(away);
      go();
    });
  }
  const Label unlinked = label();
  // The displacement lies within eight aligned bytes, so that it is replaced by one store that nobody sees half of.
  const size_t opcode = condition != nullptr ? 2 : 1;
  while ((a_.offset() + opcode) % 8 > 4) a_.nop();
  const size_t begin = a_.offset();
  if (condition != nullptr)
    a_.long_().j(*condition, unlinked);
  else
    a_.long_().jmp(unlinked);
  CHECK(a_.offset() == begin + opcode + 4);
  Exit* const exit = new_exit({.kind = Exit::Kind::link,
                               .offset = static_cast<int32_t>(target),
                               .site = reinterpret_cast<std::byte*>(begin + opcode)});
  cold([=, this] { leave(unlinked, exit); });
}

void Emitter::call(Ref at) {
  values_.forget_all();
  a_.mov(rsi, imm(reinterpret_cast<uint64_t>(&ir_->insns[node(at).insn])));
  a_.mov(rdx, imm(node(at).imm));
  a_.call(imm(reinterpret_cast<uint64_t>(thunks_.call)));
}

void Emitter::jump(Ref at) {
  const int64_t target = node(at).imm;
  // A block that goes on without a jump has counted its last instruction by its index.
  retire(at, 1);
  if (closes_loop(at, target)) {
    const Label pending = label();
    a_.cmp(dword_ptr(kState, layout_.pending - kStateBias), 0);
    a_.jne(pending);
    Exit* const exit = new_exit({.kind = Exit::Kind::pending, .offset = static_cast<int32_t>(target)});
    cold([=, this] { leave(pending, exit); });
  }
  linked_jump(target, nullptr);
}

void Emitter::branch(Ref at) {
  const ir::Node& n = node(at);
  if (closes_loop(at, n.imm)) check_pending(at);
  retire(at, 1);
  Condition condition = CondCode::kNE;
  if (fused_[n.a]) {
    condition = compare(n.a);
  } else {
    const Gp truth = values_.gp(n.a);
    a_.test(truth, truth);
  }
  linked_jump(n.imm, &condition);
  linked_jump(n.otherwise, nullptr);
}

void Emitter::jump_register(Ref at) {
  const Gp target = values_.gp(node(at).a);
  if (target.id() != Gp::kIdAx) a_.mov(rax, target);
  retire(at, 1);
  jump_by_cache(true);
}

Exit* Emitter::system_exit(Ref at) {
  return new_exit({.kind = Exit::Kind::system,
                   .offset = pc_offset(at),
                   .helper = static_cast<uint64_t>(node(at).imm),
                   .insn = &ir_->insns[node(at).insn]});
}

void Emitter::system(Ref at) { leave(label(), system_exit(at)); }

void Emitter::system_if(Ref at) {
  const Label leaves = label();
  const Gp truth = values_.gp(node(at).a);
  a_.test(truth, truth);
  a_.jne(leaves);
  Exit* const exit = system_exit(at);
  cold([=, this] { leave(leaves, exit); });
}

}  // namespace emu::jit::x64
