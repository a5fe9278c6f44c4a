#include "emu/jit/x64/emitter.h"
#include "hv/base/check.h"

/// Integer operations. A result may share its register with any operand: each sequence reads its operands before it
/// writes the result, or says how it copes.
namespace emu::jit::x64 {

using asmjit::imm;
using asmjit::Operand;
using namespace asmjit::x86;
using ir::Op;
using ir::Ref;

namespace {

Gp sized(const Gp& reg, unsigned bytes) { return bytes == 4 ? Gp(reg.r32()) : reg; }

bool is_same(const Operand& operand, const Gp& reg) { return operand.isReg() && operand.as<Reg>().id() == reg.id(); }

}  // namespace

void Emitter::binary(Ref at, Op op, Ref a, Ref b, unsigned bytes) {
  switch (op) {
    case Op::add:
      return add(at, a, b, bytes);
    case Op::sub:
      return sub(at, a, b, bytes);
    case Op::mul:
      return mul(at, a, b, bytes);
    case Op::shift_left:
    case Op::shift_right:
    case Op::shift_right_signed:
      return shift(at, op, a, b, bytes);
    default:
      break;
  }
  if (op == Op::bit_and && is_constant(b) && node(b).imm == 0xff) {
    const Gp from = values_.gp(a);
    values_.release_operands();
    a_.movzx(values_.define_gp(at).r32(), from.r8());
    return;
  }
  const asmjit::InstId id = op == Op::bit_and ? Inst::kIdAnd : op == Op::bit_or ? Inst::kIdOr : Inst::kIdXor;
  const Gp left = sized(values_.gp(a), bytes);
  const Operand right = values_.any(b, bytes);
  values_.release_operands();
  const Gp to = sized(values_.define_gp(at), bytes);
  if (is_same(right, to)) {
    a_.emit(id, to, left);
    return;
  }
  if (left.id() != to.id()) a_.mov(to, left);
  a_.emit(id, to, right);
}

bool Emitter::is_scaled(Ref value) const {
  const ir::Node& n = node(value);
  return n.op == Op::shift_left && is_constant(n.b) && node(n.b).imm >= 1 && node(n.b).imm <= 3;
}

void Emitter::add(Ref at, Ref a, Ref b, unsigned bytes) {
  if (fused_[a] || fused_[b]) {
    const ir::Node& scaled = node(fused_[a] ? a : b);
    const Gp index = values_.gp(scaled.a);
    const Gp base = values_.gp(fused_[a] ? b : a);
    values_.release_operands();
    const Gp to = sized(values_.define_gp(at), bytes);
    a_.lea(to, ptr(base, index, static_cast<uint32_t>(node(scaled.b).imm)));
    return;
  }
  const Gp left = sized(values_.gp(a), bytes);
  const Operand right = values_.any(b, bytes);
  values_.release_operands();
  const Gp to = sized(values_.define_gp(at), bytes);
  if (left.id() == to.id()) {
    a_.emit(Inst::kIdAdd, to, right);
  } else if (is_same(right, to)) {
    a_.add(to, left);
  } else if (right.isImm()) {
    a_.lea(to, ptr(left.r64(), static_cast<int32_t>(right.as<asmjit::Imm>().value())));
  } else if (right.isReg()) {
    a_.lea(to, ptr(left.r64(), right.as<Gp>().r64()));
  } else {
    a_.mov(to, left);
    a_.emit(Inst::kIdAdd, to, right);
  }
}

void Emitter::sub(Ref at, Ref a, Ref b, unsigned bytes) {
  if (is_constant(a) && node(a).imm == 0) {
    const Gp from = sized(values_.gp(b), bytes);
    values_.release_operands();
    const Gp to = sized(values_.define_gp(at), bytes);
    if (from.id() != to.id()) a_.mov(to, from);
    a_.neg(to);
    return;
  }
  const Gp left = sized(values_.gp(a), bytes);
  const Operand right = values_.any(b, bytes);
  values_.release_operands();
  const Gp to = sized(values_.define_gp(at), bytes);
  if (is_same(right, to) && left.id() != to.id()) {
    a_.neg(to);
    a_.add(to, left);
    return;
  }
  if (left.id() != to.id()) a_.mov(to, left);
  a_.emit(Inst::kIdSub, to, right);
}

void Emitter::mul(Ref at, Ref a, Ref b, unsigned bytes) {
  const Gp left = sized(values_.gp(a), bytes);
  const Operand right = values_.any(b, bytes);
  values_.release_operands();
  const Gp to = sized(values_.define_gp(at), bytes);
  if (right.isImm()) {
    a_.imul(to, left, right.as<asmjit::Imm>());
    return;
  }
  if (is_same(right, to)) {
    a_.imul(to, left);
    return;
  }
  if (left.id() != to.id()) a_.mov(to, left);
  a_.emit(Inst::kIdImul, to, right);
}

void Emitter::shift(Ref at, Op op, Ref a, Ref b, unsigned bytes) {
  if (is_constant(b)) {
    const Gp from = sized(values_.gp(a), bytes);
    values_.release_operands();
    const Gp to = sized(values_.define_gp(at), bytes);
    if (from.id() != to.id()) a_.mov(to, from);
    const auto amount = imm(node(b).imm & (bytes * 8 - 1));
    a_.emit(op == Op::shift_left ? Inst::kIdShl : op == Op::shift_right ? Inst::kIdShr : Inst::kIdSar, to, amount);
    return;
  }
  const Gp from = sized(values_.gp(a), bytes);
  const Gp amount = sized(values_.gp(b), bytes);
  values_.release_operands();
  const Gp to = sized(values_.define_gp(at), bytes);
  a_.emit(op == Op::shift_left    ? Inst::kIdShlx
          : op == Op::shift_right ? Inst::kIdShrx
                                  : Inst::kIdSarx,
          to, from, amount);
}

void Emitter::rotate(Ref at, Op op, Ref a, Ref b, unsigned bytes) {
  const bool left = op == Op::rotate_left;
  const unsigned width = bytes * 8;
  if (is_constant(b)) {
    const Gp from = sized(values_.gp(a), bytes);
    values_.release_operands();
    const Gp to = sized(values_.define_gp(at), bytes);
    const auto amount = static_cast<uint64_t>(node(b).imm);
    a_.rorx(to, from, imm((left ? width - amount % width : amount) % width));
    return;
  }
  const Gp count = values_.take(Gp::kIdCx);
  const Gp amount = values_.gp(b);
  const Gp work = values_.scratch_gp();
  a_.mov(sized(work, bytes), sized(values_.gp(a), bytes));
  a_.mov(count.r32(), amount.r32());
  values_.release_operands();
  a_.emit(left ? Inst::kIdRol : Inst::kIdRor, sized(work, bytes), cl);
  a_.mov(values_.define_gp(at), work);
}

void Emitter::unary(Ref at) {
  const ir::Node& n = node(at);
  const Gp from = values_.gp(n.a);
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  switch (n.op) {
    case Op::bit_not:
      if (from.id() != to.id()) a_.mov(to, from);
      a_.not_(to);
      return;
    case Op::sext8:
      a_.movsx(to, from.r8());
      return;
    case Op::sext16:
      a_.movsx(to, from.r16());
      return;
    case Op::zext16:
      a_.movzx(to.r32(), from.r16());
      return;
    case Op::zext32:
      a_.mov(to.r32(), from.r32());
      return;
    case Op::leading_zeros:
      a_.lzcnt(to, from);
      return;
    case Op::trailing_zeros:
      a_.tzcnt(to, from);
      return;
    case Op::popcount:
      a_.popcnt(to, from);
      return;
    default:
      CHECK(n.op == Op::byte_swap);
      if (from.id() != to.id()) a_.mov(to, from);
      a_.bswap(to);
  }
}

void Emitter::sext32(Ref at) {
  const Ref inner = node(at).a;
  if (fused_[inner]) {
    binary(at, node(inner).op, node(inner).a, node(inner).b, 4);
    const Gp to = values_.gp(at);
    a_.movsxd(to, to.r32());
    return;
  }
  const Operand from = values_.any(inner, 4);
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  a_.emit(Inst::kIdMovsxd, to, from);
}

void Emitter::mul_high(Ref at) {
  const ir::Node& n = node(at);
  const Gp high = values_.take(Gp::kIdDx);
  if (n.op == Op::mul_high_unsigned) {
    values_.load_into(high, n.a);
    const Gp right = values_.gp(n.b);
    values_.release_operands();
    const Gp to = values_.define_gp(at);
    a_.mulx(to, to, right);
    return;
  }
  const Gp low = values_.take(Gp::kIdAx);
  const Gp left = values_.gp(n.a);
  const Gp right = values_.gp(n.b);
  a_.mov(low, left);
  if (n.op == Op::mul_high)
    a_.imul(right);
  else
    a_.mul(right);
  if (n.op == Op::mul_high_signed_unsigned) {
    a_.mov(low, left);
    a_.sar(low, 63);
    a_.and_(low, right);
    a_.sub(high, low);
  }
  values_.adopt_gp(at, high);
}

// The host cannot divide by 0, nor give the one quotient that does not fit.
void Emitter::divide(Ref at, Op op, unsigned bytes) {
  const ir::Node& n = node(at);
  const bool is_signed = op == Op::divide || op == Op::remainder;
  const bool wants_quotient = op == Op::divide || op == Op::divide_unsigned;
  const Gp low = values_.take(Gp::kIdAx);
  const Gp high = values_.take(Gp::kIdDx);
  values_.load_into(low, n.a);
  const Gp divisor = sized(values_.gp(n.b), bytes);
  const Gp quotient = sized(low, bytes);
  const Gp rest = sized(high, bytes);
  const Label rare = label();
  const Label done = label();
  if (is_signed) {
    a_.lea(rest, ptr(divisor.r64(), 1));
    a_.cmp(rest, 1);
    a_.jbe(rare);
    if (bytes == 4)
      a_.cdq();
    else
      a_.cqo();
    a_.idiv(divisor);
  } else {
    a_.test(divisor, divisor);
    a_.je(rare);
    a_.xor_(high.r32(), high.r32());
    a_.div(divisor);
  }
  a_.bind(done);
  values_.adopt_gp(at, wants_quotient ? low : high);
  cold([=, this] {
    a_.bind(rare);
    const Label by_zero = label();
    if (is_signed) {
      a_.test(divisor, divisor);
      a_.je(by_zero);
      if (wants_quotient)
        a_.neg(quotient);
      else
        a_.xor_(high.r32(), high.r32());
      a_.jmp(done);
    }
    a_.bind(by_zero);
    if (wants_quotient)
      a_.mov(quotient, imm(-1));
    else
      a_.mov(rest, quotient);
    a_.jmp(done);
  });
}

// A byte's highest bit is that of (byte & 0x7f) + 0x7f, or its own.
void Emitter::fill_bytes(Ref at) {
  const Gp from = values_.gp(node(at).a);
  const Gp mask = values_.scratch_gp();
  const Gp work = values_.scratch_gp();
  a_.mov(mask, 0x7f7f7f7f7f7f7f7f);
  a_.mov(work, from);
  a_.and_(work, mask);
  a_.add(work, mask);
  a_.or_(work, from);
  a_.not_(mask);
  a_.and_(work, mask);
  a_.shr(work, 7);
  values_.release_operands();
  a_.imul(values_.define_gp(at), work, 0xff);
}

void Emitter::carryless(Ref at) {
  const ir::Node& n = node(at);
  const Xmm left = values_.scratch_xmm();
  const Xmm right = values_.scratch_xmm();
  a_.vmovq(left, values_.gp(n.a));
  a_.vmovq(right, values_.gp(n.b));
  a_.vpclmulqdq(left, left, right, 0);
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  if (n.op == Op::carryless_mul)
    a_.vmovq(to, left);
  else
    a_.vpextrq(to, left, 1);
}

Emitter::Condition Emitter::compare(Ref at) {
  const ir::Node& n = node(at);
  const auto condition = [&]() -> Condition {
    switch (n.op) {
      case Op::equal:
        return CondCode::kE;
      case Op::not_equal:
        return CondCode::kNE;
      case Op::less:
        return CondCode::kL;
      case Op::less_unsigned:
        return CondCode::kB;
      case Op::greater_equal:
        return CondCode::kGE;
      default:
        return CondCode::kAE;
    }
  };
  const Gp left = values_.gp(n.a);
  const Operand right = values_.any(n.b);
  if (right.isImm() && right.as<asmjit::Imm>().value() == 0 && (n.op == Op::equal || n.op == Op::not_equal))
    a_.test(left, left);
  else
    a_.emit(Inst::kIdCmp, left, right);
  return condition();
}

void Emitter::set_condition(Ref at) {
  const Condition condition = compare(at);
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  a_.set(condition, to.r8());
  a_.movzx(to.r32(), to.r8());
}

void Emitter::select(Ref at) {
  const ir::Node& n = node(at);
  const Gp if_true = values_.gp(n.b);
  const Gp if_false = values_.gp(n.c);
  Condition condition = CondCode::kNE;
  if (fused_[n.a]) {
    condition = compare(n.a);
  } else {
    const Gp truth = values_.gp(n.a);
    a_.test(truth, truth);
  }
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  if (to.id() == if_true.id()) {
    a_.cmov(negateCond(condition), to, if_false);
    return;
  }
  if (to.id() != if_false.id()) a_.mov(to, if_false);
  a_.cmov(condition, to, if_true);
}

}  // namespace emu::jit::x64
