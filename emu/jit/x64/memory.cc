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
  if (!fused_[address]) return {values_.gp(address), 0};
  const ir::Node& sum = node(address);
  return {values_.gp(sum.a), static_cast<int32_t>(node(sum.b).imm)};
}

Gp Emitter::address_of(Place place) {
  if (place.offset == 0) return place.base;
  const Gp address = values_.scratch_gp();
  a_.lea(address, ptr(place.base, place.offset));
  return address;
}

Emitter::Access Emitter::check(const ir::Node& n, Place place, Ref reach, bool stores) {
  const Label slow = label();
  if (reach != ir::kNone) {
    const Gp addend = values_.gp(reach);
    a_.test(addend, addend);
    a_.jz(slow);
    values_.stay_put();
    return {ptr(addend, place.base, 0, place.offset, n.size), place, slow,
            stores ? thunks_.store_near : thunks_.load_near};
  }
  const Gp address = address_of(place);
  const Gp addend =
      stores ? check_tlb(address, n.size, offsetof(mmu::TlbEntry, write), slow) : guess_addend(address, n.size, slow);
  return {ptr(addend, address, 0, 0, n.size), {address, 0}, slow, stores ? thunks_.store : thunks_.load};
}

// The page of the access's last byte is compared with the tag that its first byte finds: an access over a page's end
// fails like one to a page that is not there.
Gp Emitter::check_tlb(Gp address, unsigned size, int tag_offset, Label slow) {
  const Gp page = values_.scratch_gp();
  const Gp entry = tlb_entry(address, page);
  make_tag(page, address, size);
  return addend_if(entry, page, tag_offset, slow);
}

// The same, but the look-up is not on the way to the value.
Gp Emitter::guess_addend(Gp address, unsigned size, Label slow) {
  const Gp page = values_.scratch_gp();
  const Gp entry = tlb_entry(address, page);
  make_tag(page, address, size);
  a_.cmp(page, qword_ptr(entry, offsetof(mmu::TlbEntry, read)));
  a_.jne(slow);
  values_.stay_put();
  load_guess(page, entry);
  return page;
}

void Emitter::load_guess(Gp guess, Gp entry) {
  const auto slot = static_cast<int32_t>(next_guess_++ % Guesses::kCount);
  const Mem remembered = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, guesses.addends)) + 8 * slot);
  const Mem addend = qword_ptr(entry, offsetof(mmu::TlbEntry, addend));
  const Label wrong = label();
  const Label known = label();
  a_.mov(guess, remembered);
  a_.cmp(guess, addend);
  a_.jne(wrong);
  a_.bind(known);
  cold([=, this] {
    a_.bind(wrong);
    a_.mov(guess, addend);
    Mem low = remembered;
    low.setSize(1);
    a_.test(low, static_cast<int32_t>(Guesses::kNever));
    a_.jne(known);
    a_.mov(remembered, guess);
    a_.push(imm(slot));
    a_.call(imm(reinterpret_cast<uint64_t>(thunks_.guessed_wrong)));
    a_.jmp(known);
  });
}

void Emitter::make_tag(Gp tag, Gp address, unsigned size) {
  if (size == 1)
    a_.mov(tag, address);
  else
    a_.lea(tag, ptr(address, static_cast<int32_t>(size) - 1));
  a_.and_(tag, imm(-static_cast<int64_t>(hv::kGuestPageSize)));
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
  const bool stores = n.op == ir::Op::reach_to_store;
  const Gp first = address_of({values_.gp(n.a), static_cast<int32_t>(n.imm)});
  const Gp page = values_.scratch_gp();
  const Gp entry = tlb_entry(first, page);
  const Label none = label();
  const Label done = label();
  make_tag(page, first, static_cast<unsigned>(n.otherwise));
  a_.cmp(page, qword_ptr(entry, stores ? offsetof(mmu::TlbEntry, write) : offsetof(mmu::TlbEntry, read)));
  a_.jne(none);
  values_.stay_put();
  if (stores)
    a_.mov(page, qword_ptr(entry, offsetof(mmu::TlbEntry, addend)));
  else
    load_guess(page, entry);
  a_.bind(done);
  values_.adopt_gp(at, page);
  cold([=, this] {
    a_.bind(none);
    a_.mov(page.r32(), 0);
    a_.jmp(done);
  });
}

void Emitter::slow_access(const ir::Node& n, Place place, const std::byte* thunk) {
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

}  // namespace emu::jit::x64
