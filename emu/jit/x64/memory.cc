#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"
#include "emu/jit/x64/lookup.h"
#include "emu/mmu/tlb.h"
#include "hv/base/check.h"
#include "hv/core/guest_address.h"

/// Loads and stores: an inline look-up in the TLB, and behind the block the call of the slow path.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Ref;

Gp Emitter::address_of(Ref value) {
  if (!fused_[value]) return values_.gp(value);
  const ir::Node& sum = node(value);
  const Gp base = values_.gp(sum.a);
  const Gp address = values_.scratch_gp();
  a_.lea(address, ptr(base, static_cast<int32_t>(node(sum.b).imm)));
  return address;
}

// The page of the access's last byte is compared with the tag that its first byte finds: an access over a page's end
// fails like one to a page that is not there.
Gp Emitter::check_tlb(Gp address, unsigned size, int tag_offset, Label slow) {
  const Gp page = values_.scratch_gp();
  const Gp entry = tlb_entry(address, page);
  if (size == 1)
    a_.mov(page, address);
  else
    a_.lea(page, ptr(address, static_cast<int32_t>(size) - 1));
  a_.and_(page, imm(-static_cast<int64_t>(hv::kGuestPageSize)));
  return addend_if(entry, page, tag_offset, slow);
}

Gp Emitter::tlb_entry(Gp address, Gp spare) {
  const Gp entry = values_.scratch_gp();
  find_tlb_entry(a_, entry, spare, address, state(layout_.data_tlb));
  return entry;
}

Gp Emitter::addend_if(Gp entry, Gp tag, int tag_offset, Label slow) {
  a_.cmp(tag, qword_ptr(entry, tag_offset));
  a_.jne(slow);
  a_.mov(entry, qword_ptr(entry, offsetof(mmu::TlbEntry, addend)));
  return entry;
}

void Emitter::slow_access(const ir::Node& n, const std::byte* thunk) {
  const Insn& insn = ir_->insns[n.insn];
  a_.push(imm(static_cast<int32_t>(pack({n.size, insn.pc_offset, insn.index, static_cast<uint8_t>(n.imm)}))));
  a_.call(imm(reinterpret_cast<uint64_t>(thunk)));
}

void Emitter::load(Ref at) {
  const ir::Node n = node(at);
  const Gp address = address_of(n.a);
  const Label slow = label();
  const Label done = label();
  const Gp addend = check_tlb(address, n.size, offsetof(mmu::TlbEntry, read), slow);
  values_.release_operands();
  const Mem slow_value = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
  const Mem slow_address = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_address)));
  const Mem from = ptr(addend, address);
  if (n.size >= 4 && uses_[at] > 0 && float_uses_[at] == uses_[at]) {
    const Xmm to = values_.define_xmm(at);
    const auto move = [this, to, size = n.size](Mem mem) {
      mem.setSize(size);
      if (size == 4)
        a_.vmovd(to, mem);
      else
        a_.vmovq(to, mem);
    };
    move(from);
    a_.bind(done);
    return cold([=, this] {
      a_.bind(slow);
      a_.mov(slow_address, address);
      slow_access(n, thunks_.load);
      move(slow_value);
      a_.jmp(done);
    });
  }
  const Gp to = values_.define_gp(at);
  const auto move = [this, to, n](Mem mem) {
    mem.setSize(n.size);
    if (n.size == 8)
      a_.mov(to, mem);
    else if (n.size == 4 && n.is_signed)
      a_.movsxd(to, mem);
    else if (n.size == 4)
      a_.mov(to.r32(), mem);
    else if (n.is_signed)
      a_.movsx(to, mem);
    else
      a_.movzx(to.r32(), mem);
  };
  move(from);
  a_.bind(done);
  cold([=, this] {
    a_.bind(slow);
    a_.mov(slow_address, address);
    slow_access(n, thunks_.load);
    move(slow_value);
    a_.jmp(done);
  });
}

void Emitter::store(Ref at) {
  const ir::Node n = node(at);
  const Gp address = address_of(n.a);
  const bool is_float =
      n.size >= 4 && values_.is_in_register(Class::floating, n.b) && !values_.is_in_register(Class::integer, n.b);
  const Label slow = label();
  const Label done = label();
  const Mem slow_value = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
  const Mem slow_address = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_address)));
  const auto finish = [&](auto move) {
    const Gp addend = check_tlb(address, n.size, offsetof(mmu::TlbEntry, write), slow);
    Mem to = ptr(addend, address);
    to.setSize(n.size);
    move(to, n.size);
    a_.bind(done);
    cold([=, this] {
      a_.bind(slow);
      a_.mov(slow_address, address);
      move(slow_value, 8);
      slow_access(n, thunks_.store);
      a_.jmp(done);
    });
  };
  if (is_float) {
    const Xmm value = values_.xmm(n.b);
    return finish([this, value](const Mem& to, unsigned size) {
      if (size == 4)
        a_.vmovd(to, value);
      else
        a_.vmovq(to, value);
    });
  }
  if (is_constant(n.b) && node(n.b).imm == static_cast<int32_t>(node(n.b).imm)) {
    const int64_t value = node(n.b).imm;
    return finish([this, value](const Mem& to, unsigned size) {
      const int64_t narrow = size == 1   ? int64_t{static_cast<int8_t>(value)}
                             : size == 2 ? int64_t{static_cast<int16_t>(value)}
                                         : value;
      a_.mov(to, imm(narrow));
    });
  }
  const Gp value = values_.gp(n.b);
  finish([this, value](const Mem& to, unsigned size) {
    switch (size) {
      case 1:
        a_.mov(to, value.r8());
        break;
      case 2:
        a_.mov(to, value.r16());
        break;
      case 4:
        a_.mov(to, value.r32());
        break;
      default:
        a_.mov(to, value);
    }
  });
}

}  // namespace emu::jit::x64
