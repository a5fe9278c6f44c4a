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

Emitter::Place Emitter::place_of(Ref address) {
  const bool on_stack = is_on_stack(address);
  if (!fused_[address]) return {values_.gp(address), 0, on_stack};
  const ir::Node& sum = node(address);
  return {values_.gp(sum.a), static_cast<int32_t>(node(sum.b).imm), on_stack};
}

bool Emitter::is_on_stack(Ref address) const {
  while (node(address).op == ir::Op::add && is_constant(node(address).b)) address = node(address).a;
  return node(address).op == ir::Op::get_x && node(address).reg == layout_.stack_pointer;
}

Emitter::Access Emitter::check(const ir::Node& n, Place place, Ref reach, bool stores) {
  const Label slow = label();
  const auto at = [&](Gp addend) { return ptr(addend, place.base, 0, place.offset, n.size); };
  if (reach != ir::kNone) {
    const Gp addend = values_.gp(reach);
    a_.test(addend, addend);
    a_.jz(slow);
    values_.stay_put();
    return {at(addend), place, slow, stores ? thunks_.store_near : thunks_.load_near};
  }
  return {at(find_addend(place, n.size, stores, slow)), place, slow, stores ? thunks_.store : thunks_.load};
}

Gp Emitter::find_addend(Place place, unsigned size, bool stores, Label none) {
  const Gp addend = values_.scratch_gp();
  const Gp spare = values_.scratch_gp();
  values_.stay_put();
  if (ir_->in_user_mode)
    look_through_window(addend, spare, place, size, stores, none);
  else
    look_up(addend, spare, place, size, stores, none);
  return addend;
}

void Emitter::load_address(Gp to, Place place, int32_t more) {
  const int32_t offset = place.offset + more;
  if (offset == 0)
    a_.mov(to, place.base);
  else
    a_.lea(to, ptr(place.base, offset));
}

// The page of the access's last byte is compared with the tag that its first byte finds: an access over a page's end
// fails like one to a page that is not there.
void Emitter::look_up(Gp addend, Gp page, Place place, unsigned size, bool stores, Label none) {
  count(offsetof(Counters, tlb.all));
  Gp address = place.base;
  if (place.offset != 0) {
    load_address(page, place, 0);
    address = page;
  }
  find_tlb_entry(a_, addend, page, address, state(layout_.data_tlb));
  load_address(page, place, static_cast<int32_t>(size) - 1);
  a_.and_(page, imm(-static_cast<int64_t>(hv::kGuestPageSize)));
  a_.cmp(page, qword_ptr(addend, stores ? offsetof(mmu::TlbEntry, write) : offsetof(mmu::TlbEntry, read)));
  a_.jne(none);
  a_.mov(addend, qword_ptr(addend, offsetof(mmu::TlbEntry, addend)));
}

void Emitter::look_through_window(Gp addend, Gp page, Place place, unsigned size, bool stores, Label none) {
  const WindowSlots::Slot slot = window_slots_.next(size, stores, place.on_stack);
  const auto field = [this, slot](size_t offset) {
    return scratch(offsetof(Scratch, windows.all) + static_cast<size_t>(slot.number) * sizeof(mmu::Window) + offset);
  };
  const Label missed = label();
  const Label done = label();
  count(offsetof(Counters, windows.all));
  load_address(addend, place, 0);
  a_.sub(addend, field(offsetof(mmu::Window, base)));
  a_.cmp(addend, field(offsetof(mmu::Window, limit)));
  a_.jae(missed);
  a_.mov(addend, field(offsetof(mmu::Window, addend)));
  a_.bind(done);
  cold([=, this] {
    a_.bind(missed);
    count(offsetof(Counters, windows.missed));
    look_up(addend, page, place, size, stores, none);
    const Label move = label();
    Mem last_missed = field(offsetof(mmu::Window, last_missed));
    Mem patience = field(offsetof(mmu::Window, patience));
    last_missed.setSize(4);
    patience.setSize(2);
    a_.cmp(last_missed, page.r32());
    a_.mov(last_missed, page.r32());
    a_.je(move);
    a_.sub(patience, 1);
    a_.jae(done);
    a_.bind(move);
    a_.mov(field(offsetof(mmu::Window, base)), page);
    a_.mov(field(offsetof(mmu::Window, addend)), addend);
    a_.push(imm(slot.number << 16 | slot.limit));
    a_.call(imm(reinterpret_cast<uint64_t>(thunks_.move_window)));
    a_.jmp(done);
  });
}

Gp Emitter::tlb_entry(Gp address, Gp spare) {
  const Gp entry = values_.scratch_gp();
  find_tlb_entry(a_, entry, spare, address, state(layout_.data_tlb));
  return entry;
}

Gp Emitter::addend_if(Gp entry, Gp tag, int tag_offset, Label slow) {
  a_.cmp(tag, qword_ptr(entry, tag_offset));
  a_.jne(slow);
  values_.stay_put();
  a_.mov(entry, qword_ptr(entry, offsetof(mmu::TlbEntry, addend)));
  return entry;
}

void Emitter::reach(Ref at) {
  const ir::Node n = node(at);
  const Label none = label();
  const Label done = label();
  const Gp addend = find_addend({values_.gp(n.a), static_cast<int32_t>(n.imm), is_on_stack(n.a)},
                                static_cast<unsigned>(n.otherwise), n.op == ir::Op::reach_to_store, none);
  a_.bind(done);
  values_.adopt_gp(at, addend);
  cold([=, this] {
    a_.bind(none);
    count(offsetof(Counters, tlb.missed));
    a_.mov(addend.r32(), 0);
    a_.jmp(done);
  });
}

void Emitter::slow_access(const ir::Node& n, Place place, const std::byte* thunk) {
  if (n.op == ir::Op::load || n.op == ir::Op::store) count(offsetof(Counters, tlb.missed));
  const Insn& insn = ir_->insns[n.insn];
  const Mem slow_address = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_address)));
  a_.mov(slow_address, place.base);
  if (place.offset != 0) a_.add(slow_address, imm(place.offset));
  a_.push(imm(static_cast<int32_t>(pack({n.size, insn.pc_offset, insn.index, static_cast<uint8_t>(n.imm)}))));
  a_.call(imm(reinterpret_cast<uint64_t>(thunk)));
}

void Emitter::load(Ref at) {
  const ir::Node n = node(at);
  const Ref reach = n.op == ir::Op::load_near ? n.b : ir::kNone;
  const Place place = place_of(n.a);
  const Label done = label();
  const Mem slow_value = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
  const auto finish = [&](const Access& access, auto move) {
    move(access.mem);
    a_.bind(done);
    cold([=, this] {
      a_.bind(access.slow);
      slow_access(n, access.place, access.thunk);
      move(slow_value);
      a_.jmp(done);
    });
  };
  if (n.size >= 4 && uses_[at] > 0 && float_uses_[at] == uses_[at]) {
    const Xmm to = values_.define_xmm(at);
    return finish(check(n, place, reach, false), [this, to, size = n.size](Mem mem) {
      mem.setSize(size);
      if (size == 4)
        a_.vmovd(to, mem);
      else
        a_.vmovq(to, mem);
    });
  }
  const auto extend_to = [this, n](const Gp& to) {
    return [this, to, n](Mem mem) {
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
  };
  if (reach != ir::kNone) {
    const Gp to = values_.define_gp(at);
    return finish(check(n, place, reach, false), extend_to(to));
  }
  // The addend's register is free for the value.
  const Access access = check(n, place, reach, false);
  values_.release_operands();
  const std::optional<Gp> guest = values_.define_in_guest_gp(at);
  const Gp to = guest ? *guest : gpq(access.mem.baseId());
  if (!guest) values_.adopt_gp(at, to);
  finish(access, extend_to(to));
}

void Emitter::store(Ref at) {
  const ir::Node n = node(at);
  const Place place = place_of(n.a);
  const bool is_float =
      n.size >= 4 && values_.is_in_register(Class::floating, n.b) && !values_.is_in_register(Class::integer, n.b);
  const Label done = label();
  const Mem slow_value = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
  const auto finish = [&](auto move) {
    const Access access = check(n, place, n.op == ir::Op::store_near ? n.c : ir::kNone, true);
    move(access.mem, n.size);
    a_.bind(done);
    cold([=, this] {
      a_.bind(access.slow);
      move(slow_value, 8);
      slow_access(n, access.place, access.thunk);
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

void Emitter::zero_block(Ref at) {
  constexpr int32_t kBlock = 64;
  constexpr int32_t kPart = 16;
  const ir::Node n = node(at);
  const Label slow = label();
  const Label done = label();
  const Gp address = values_.gp(n.a);
  const Gp first = values_.scratch_gp();
  const Xmm zero = values_.scratch_xmm();
  a_.mov(first, address);
  a_.and_(first, -kBlock);
  const Gp addend = find_addend({first, 0}, kBlock, true, slow);
  a_.cmp(byte_ptr(kState, layout_.zero_enabled - kStateBias), 0);
  a_.je(slow);
  a_.vpxor(zero, zero, zero);
  for (int32_t part = 0; part < kBlock; part += kPart) a_.vmovdqu(xmmword_ptr(addend, first, 0, part), zero);
  a_.bind(done);
  cold([=, this] {
    a_.bind(slow);
    const Mem encoded = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
    a_.mov(encoded, imm(static_cast<int32_t>(ir_->insns[n.insn].raw)));
    slow_access(n, {address, 0}, thunks_.zero_block);
    a_.jmp(done);
  });
}

}  // namespace emu::jit::x64
