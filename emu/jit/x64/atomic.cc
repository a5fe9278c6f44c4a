#include "emu/isa/read_modify_write.h"
#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"
#include "emu/mmu/tlb.h"
#include "hv/core/guest_address.h"

/// Atomic read-modify-writes by the host's locked instructions, all of them sequentially consistent.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Ref;

namespace {

Gp sized(const Gp& reg, unsigned bytes) { return bytes == 4 ? Gp(reg.r32()) : reg; }

}  // namespace

// The tag of an address that is not aligned is no page's: the slow path raises the exception.
void Emitter::read_modify_write(Ref at) {
  const ir::Node n = node(at);
  const auto operation = static_cast<Rmw>(n.imm);
  const Gp old = values_.take(Gp::kIdAx);
  const Gp address = values_.gp(n.a);
  const Gp operand = values_.gp(n.b);
  const Gp work = values_.scratch_gp();
  const Label slow = label();
  const Label done = label();

  const Gp entry = tlb_entry(address, work);
  a_.mov(work, imm(-static_cast<int64_t>(hv::kGuestPageSize) | (n.size - 1)));
  a_.and_(work, address);
  const Gp addend = addend_if(entry, work, offsetof(mmu::TlbEntry, write), slow);

  Mem place = ptr(addend, address);
  place.setSize(n.size);
  if (operation == Rmw::swap || operation == Rmw::add) {
    a_.mov(sized(old, n.size), sized(operand, n.size));
    if (operation == Rmw::swap)
      a_.xchg(place, sized(old, n.size));
    else
      a_.lock().xadd(place, sized(old, n.size));
  } else {
    const Label again = label();
    const auto id = operation == Rmw::bit_and ? Inst::kIdAnd : operation == Rmw::bit_or ? Inst::kIdOr : Inst::kIdXor;
    a_.mov(sized(old, n.size), place);
    a_.bind(again);
    a_.mov(work, old);
    a_.emit(id, sized(work, n.size), sized(operand, n.size));
    a_.lock().cmpxchg(place, sized(work, n.size), sized(old, n.size));
    a_.jne(again);
  }
  if (n.size == 4) a_.movsxd(old, old.r32());
  a_.bind(done);
  values_.adopt_gp(at, old);
  cold([=, this] {
    a_.bind(slow);
    const Mem slow_value = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_value)));
    a_.mov(state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, slow_address))), address);
    a_.mov(slow_value, operand);
    slow_access(n, thunks_.read_modify_write);
    a_.mov(old, slow_value);
    a_.jmp(done);
  });
}

}  // namespace emu::jit::x64
