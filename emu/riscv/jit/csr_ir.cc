#include <cstddef>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/jit/builder.h"

/// CSR instructions as IR: kernels turn interrupts off and on all the time, and begin and end every trap with them.
namespace emu::riscv::jit {
namespace {

namespace mstatus = csr::mstatus;
using Operation = CsrForm::Operation;

}  // namespace

bool IrBuilder::note_csr(const CsrForm& form) {
  if (!mode_.is_user() && csr_has_ir(*insn_)) {
    if (const HeldCsr* const held = held_csr(csr_number(*insn_)); held != nullptr)
      note_held_csr(form, *held);
    else
      note_status(form);
    return true;
  }
  const Helper in_block = csr_access_in_block(form, *insn_);
  if (in_block == nullptr) return false;
  append({.op = Op::call, .imm = address(in_block)});
  forget();
  return true;
}

IrBuilder::Value IrBuilder::combined(const CsrForm& form, Value before) {
  const Value operand = form.is_immediate ? imm(insn_->rs1) : x(insn_->rs1);
  switch (form.operation) {
    case Operation::write:
      return operand;
    case Operation::set:
      return bit_or(before, operand);
    case Operation::clear:
      return bit_and(before, bit_not(operand));
  }
  return before;
}

void IrBuilder::note_held_csr(const CsrForm& form, const HeldCsr& held) {
  const Value before = state(held.offset);
  if (form.writes(*insn_))
    append({.op = Op::set_state, .a = bit_and(combined(form, before), constant(held.writable)), .imm = held.offset});
  set_x(insn_->rd, before);
}

// The block is left if floating-point state was written, which FS does not show yet; if a bit changes that has an
// effect; and if an interrupt may be open afterwards. What waits is not masked with SIE before: who raises an
// interrupt later posts it whatever sstatus is.
void IrBuilder::note_status(const CsrForm& form) {
  constexpr auto kStatus = static_cast<int32_t>(offsetof(HartState, csr) + offsetof(CsrState, mstatus));
  const Value before = state(kStatus);
  Value leaves = append({.op = Op::state, .size = 1, .imm = offsetof(HartState, fp_dirty)});
  if (form.writes(*insn_)) {
    const Value after = combined(form, before);
    // An immediate operand reaches no other writable bit than SIE.
    if (!form.is_immediate || form.operation == Operation::write) {
      const Value changed = bit_xor(before, after);
      leaves = bit_or(leaves, bit_and(changed, constant(mstatus::kSupervisorWritable & ~kPlainStatus)));
    }
    if (form.operation != Operation::clear) {
      const Value mip = state(offsetof(HartState, mip));
      const Value effective = bit_or(mip, shift_right(mip, imm(csr::interrupt::kSoftwareSeipShift)));
      const Value waiting = bit_and(effective, state(offsetof(HartState, csr) + offsetof(CsrState, mie)));
      const Value is_open = bit_and(shift_right(after, imm(1)), imm(1));
      leaves = bit_or(leaves, bit_and(waiting, sub(imm(0), is_open)));
    }
    leave_if(form, leaves);
    const Value kept = bit_and(before, constant(~kPlainStatus));
    append({.op = Op::set_state, .a = bit_or(kept, bit_and(after, constant(kPlainStatus))), .imm = kStatus});
  } else {
    leave_if(form, leaves);
  }
  if (insn_->rd == HartState::kSink) return;
  // SD: FS is dirty, all ones.
  constexpr uint64_t kFsLow = mstatus::kFs & -mstatus::kFs;
  const Value carry = bit_and(add(bit_and(before, constant(mstatus::kFs)), constant(kFsLow)), constant(kFsLow << 2));
  const Value dirty = shift_left(carry, imm(63 - 15));
  set_x(insn_->rd, bit_or(bit_and(before, constant(mstatus::kSupervisorVisible & ~mstatus::kSd)), dirty));
}

}  // namespace emu::riscv::jit
