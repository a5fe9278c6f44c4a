#include "emu/isa/read_modify_write.h"
#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"
#include "emu/mmu/tlb.h"
#include "hv/core/guest_address.h"

/// Atomic accesses by the host's locked instructions, all of them sequentially consistent. At most five integer
/// registers are needed at once, which is as many as there are temporaries.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Ref;

namespace {

Gp sized(const Gp& reg, unsigned bytes) {
  switch (bytes) {
    case 1:
      return reg.r8();
    case 2:
      return reg.r16();
    case 4:
      return reg.r32();
    default:
      return reg;
  }
}

/// Under it what is in memory stays there, compared with the operand.
CondCode stays(Rmw operation) {
  switch (operation) {
    case Rmw::minimum:
      return CondCode::kLE;
    case Rmw::maximum:
      return CondCode::kGE;
    case Rmw::minimum_unsigned:
      return CondCode::kBE;
    default:
      return CondCode::kAE;
  }
}

}  // namespace

// The tag of an address that is not aligned is no page's: the slow path raises the exception.
Gp Emitter::check_aligned(Gp address, Gp work, unsigned size, int tag_offset, Label slow) {
  const Gp entry = tlb_entry(address, work);
  a_.mov(work, imm(-static_cast<int64_t>(hv::kGuestPageSize) | (size - 1)));
  a_.and_(work, address);
  return addend_if(entry, work, tag_offset, slow);
}

void Emitter::sign_extend(Gp value, unsigned bytes) {
  if (bytes == 4)
    a_.movsxd(value, value.r32());
  else if (bytes < 4)
    a_.movsx(value, sized(value, bytes));
}

void Emitter::read_modify_write(Ref at) {
  const ir::Node n = node(at);
  const auto operation = static_cast<Rmw>(n.imm);
  const Gp old = values_.take(Gp::kIdAx);
  const Gp address = values_.gp(n.a);
  const Gp operand = values_.gp(n.b);
  const Gp work = values_.scratch_gp();
  const Label slow = label();
  const Label done = label();
  const Gp addend = check_aligned(address, work, n.size, offsetof(mmu::TlbEntry, write), slow);

  Mem place = ptr(addend, address);
  place.setSize(n.size);
  if (operation == Rmw::swap || operation == Rmw::add) {
    a_.mov(old, operand);
    if (operation == Rmw::swap)
      a_.xchg(place, sized(old, n.size));
    else
      a_.lock().xadd(place, sized(old, n.size));
  } else {
    const Label again = label();
    a_.mov(sized(old, n.size), place);
    a_.bind(again);
    if (operation >= Rmw::minimum) {
      a_.mov(work, operand);
      a_.cmp(sized(old, n.size), sized(operand, n.size));
      a_.cmov(stays(operation), work, old);
    } else {
      a_.mov(work, old);
      a_.emit(operation == Rmw::bit_and  ? Inst::kIdAnd
              : operation == Rmw::bit_or ? Inst::kIdOr
                                         : Inst::kIdXor,
              work, operand);
    }
    a_.lock().cmpxchg(place, sized(work, n.size), sized(old, n.size));
    a_.jne(again);
  }
  sign_extend(old, n.size);
  a_.bind(done);
  values_.adopt_gp(at, old);
  cold([=, this] {
    a_.bind(slow);
    a_.mov(scratch(offsetof(Scratch, slow_value)), operand);
    slow_access(n, {address, 0}, thunks_.read_modify_write);
    a_.mov(old, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

void Emitter::compare_and_swap(Ref at) {
  const ir::Node n = node(at);
  const Gp old = values_.take(Gp::kIdAx);
  values_.load_into(old, n.b);
  const Gp address = values_.gp(n.a);
  const Gp desired = values_.gp(n.c);
  const Gp work = values_.scratch_gp();
  const Label slow = label();
  const Label done = label();
  const Gp addend = check_aligned(address, work, n.size, offsetof(mmu::TlbEntry, write), slow);

  Mem place = ptr(addend, address);
  place.setSize(n.size);
  a_.lock().cmpxchg(place, sized(desired, n.size), sized(old, n.size));
  sign_extend(old, n.size);
  a_.bind(done);
  values_.adopt_gp(at, old);
  cold([=, this] {
    a_.bind(slow);
    a_.mov(scratch(offsetof(Scratch, slow_expected)), old);
    a_.mov(scratch(offsetof(Scratch, slow_value)), desired);
    slow_access(n, {address, 0}, thunks_.compare_and_swap);
    a_.mov(old, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

// A reservation is the host address, and with the lowest bit whether it is a doubleword; and the value that was there.
void Emitter::load_reserved(Ref at) {
  const ir::Node n = node(at);
  const Gp address = values_.gp(n.a);
  const Gp work = values_.scratch_gp();
  const Label slow = label();
  const Label done = label();
  const Gp to = values_.define_gp(at);
  const Gp addend = check_aligned(address, work, n.size, offsetof(mmu::TlbEntry, read), slow);
  a_.lea(work, ptr(addend, address, 0, n.size == 8 ? 1 : 0));
  if (n.size == 8)
    a_.mov(to, ptr(addend, address));
  else
    a_.movsxd(to, dword_ptr(addend, address));
  a_.mov(state(layout_.reservation_host), work);
  a_.mov(state(layout_.reservation_value), to);
  a_.bind(done);
  cold([=, this] {
    a_.bind(slow);
    slow_access(n, {address, 0}, thunks_.load_reserved);
    a_.mov(to, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

void Emitter::store_conditional(Ref at) {
  const ir::Node n = node(at);
  const Gp expected = values_.take(Gp::kIdAx);
  const Gp address = values_.gp(n.a);
  const Gp value = values_.gp(n.b);
  const Gp work = values_.scratch_gp();
  const Label slow = label();
  const Label fails = label();
  const Label done = label();
  const Gp addend = check_aligned(address, work, n.size, offsetof(mmu::TlbEntry, write), slow);

  Mem place = ptr(addend, address);
  place.setSize(n.size);
  a_.lea(work, ptr(addend, address, 0, n.size == 8 ? 1 : 0));
  a_.cmp(work, state(layout_.reservation_host));
  a_.mov(state(layout_.reservation_host), imm(0));
  a_.mov(expected, state(layout_.reservation_value));
  a_.jne(fails);
  a_.lock().cmpxchg(place, sized(value, n.size), sized(expected, n.size));
  a_.jne(fails);
  a_.xor_(expected.r32(), expected.r32());
  a_.bind(done);
  values_.adopt_gp(at, expected);
  cold([=, this] {
    a_.bind(fails);
    a_.mov(expected.r32(), 1);
    a_.jmp(done);
    a_.bind(slow);
    a_.mov(scratch(offsetof(Scratch, slow_value)), value);
    slow_access(n, {address, 0}, thunks_.store_conditional);
    a_.mov(expected, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

}  // namespace emu::jit::x64
