#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"
#include "hv/base/check.h"

/// Floating point by the host's scalar instructions, which agree with IEEE 754 and with the guest but for the payloads
/// of NaNs; the flags gather in MXCSR.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Op;
using ir::Ref;

void Emitter::make_nan_canonical(Xmm value, unsigned size) {
  const Label nan = label();
  const Label done = label();
  if (size == 4)
    a_.vucomiss(value, value);
  else
    a_.vucomisd(value, value);
  a_.jp(nan);
  a_.bind(done);
  cold([=, this] {
    a_.bind(nan);
    const auto offset = size == 4 ? offsetof(Scratch, nan4) : offsetof(Scratch, nan8);
    a_.vmovq(value, state(layout_.scratch + static_cast<int32_t>(offset)));
    a_.jmp(done);
  });
}

void Emitter::float_arithmetic(Ref at) {
  const ir::Node& n = node(at);
  const Xmm left = values_.xmm(n.a);
  const Xmm right = n.op == Op::float_sqrt ? left : values_.xmm(n.b);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  const bool single = n.size == 4;
  const auto id = [&]() -> asmjit::InstId {
    switch (n.op) {
      case Op::float_add:
        return single ? Inst::kIdVaddss : Inst::kIdVaddsd;
      case Op::float_sub:
        return single ? Inst::kIdVsubss : Inst::kIdVsubsd;
      case Op::float_mul:
        return single ? Inst::kIdVmulss : Inst::kIdVmulsd;
      case Op::float_div:
        return single ? Inst::kIdVdivss : Inst::kIdVdivsd;
      default:
        return single ? Inst::kIdVsqrtss : Inst::kIdVsqrtsd;
    }
  };
  a_.emit(id(), to, left, right);
  make_nan_canonical(to, n.size);
}

// The host finds infinity times zero plus a quiet NaN valid, the guest does not: where the result is a NaN, such
// factors are multiplied once more, for the flag alone.
void Emitter::float_fma(Ref at) {
  const ir::Node& n = node(at);
  const bool single = n.size == 4;
  const Xmm a = values_.xmm(n.a);
  const Xmm b = values_.xmm(n.b);
  const Xmm c = values_.xmm(n.c);
  const Xmm sum = values_.scratch_xmm();
  const Gp bits = values_.scratch_gp();
  const Label nan = label();
  const Label done = label();
  a_.vmovaps(sum, a);
  a_.emit(single ? Inst::kIdVfmadd213ss : Inst::kIdVfmadd213sd, sum, b, c);
  a_.emit(single ? Inst::kIdVucomiss : Inst::kIdVucomisd, sum, sum);
  a_.jp(nan);
  a_.bind(done);
  values_.release_operands();
  a_.vmovaps(values_.define_xmm(at), sum);
  cold([=, this] {
    const auto multiply_if = [&](Xmm infinite, Xmm zero) {
      const Label no = label();
      // Without their signs: all ones in the exponent alone, and nothing.
      if (single)
        a_.vmovd(bits.r32(), zero);
      else
        a_.vmovq(bits, zero);
      a_.add(single ? Gp(bits.r32()) : bits, single ? Gp(bits.r32()) : bits);
      a_.jne(no);
      if (single) {
        a_.vmovd(bits.r32(), infinite);
        a_.add(bits.r32(), bits.r32());
        a_.cmp(bits.r32(), imm(static_cast<int32_t>(0xff000000)));
      } else {
        a_.vmovq(bits, infinite);
        a_.add(bits, bits);
        a_.ror(bits, 53);
        a_.cmp(bits, 0x7ff);
      }
      a_.jne(no);
      a_.emit(single ? Inst::kIdVmulss : Inst::kIdVmulsd, sum, infinite, zero);
      a_.bind(no);
    };
    a_.bind(nan);
    multiply_if(a, b);
    multiply_if(b, a);
    const auto offset = single ? offsetof(Scratch, nan4) : offsetof(Scratch, nan8);
    a_.vmovq(sum, state(layout_.scratch + static_cast<int32_t>(offset)));
    a_.jmp(done);
  });
}

// Of unordered operands the host says "below", "equal" and "parity": the order is asked as "b is above a".
void Emitter::float_compare(Ref at) {
  const ir::Node& n = node(at);
  const Xmm left = values_.xmm(n.a);
  const Xmm right = values_.xmm(n.b);
  const bool single = n.size == 4;
  if (n.op == Op::float_equal) {
    const Gp ordered = values_.scratch_gp();
    a_.emit(single ? Inst::kIdVucomiss : Inst::kIdVucomisd, left, right);
    values_.release_operands();
    const Gp to = values_.define_gp(at);
    a_.set(CondCode::kNP, ordered.r8());
    a_.set(CondCode::kE, to.r8());
    a_.and_(to.r8(), ordered.r8());
    a_.movzx(to.r32(), to.r8());
    return;
  }
  const bool is_quiet = n.op == Op::float_less_quiet || n.op == Op::float_less_equal_quiet;
  if (is_quiet)
    a_.emit(single ? Inst::kIdVucomiss : Inst::kIdVucomisd, right, left);
  else
    a_.emit(single ? Inst::kIdVcomiss : Inst::kIdVcomisd, right, left);
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  const bool is_strict = n.op == Op::float_less || n.op == Op::float_less_quiet;
  a_.set(is_strict ? CondCode::kA : CondCode::kAE, to.r8());
  a_.movzx(to.r32(), to.r8());
}

// The host's MINSS finds every NaN invalid and takes its second operand of equal ones: it gets what a quiet comparison
// finds to differ. Of equal operands one or both are the result, but for zeros of unlike signs.
void Emitter::float_min_max(Ref at) {
  const ir::Node& n = node(at);
  const bool single = n.size == 4;
  const bool wants_less = n.op == Op::float_min || n.op == Op::float_minimum;
  const bool nan_wins = n.op == Op::float_minimum || n.op == Op::float_maximum;
  const Xmm left = values_.xmm(n.a);
  const Xmm right = values_.xmm(n.b);
  const auto compare = [=, this](Xmm a, Xmm b) { a_.emit(single ? Inst::kIdVucomiss : Inst::kIdVucomisd, a, b); };
  const Label nan = label();
  const Label same = label();
  const Label done = label();
  compare(left, right);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  a_.jp(nan);
  a_.je(same);
  if (wants_less)
    a_.emit(single ? Inst::kIdVminss : Inst::kIdVminsd, to, left, right);
  else
    a_.emit(single ? Inst::kIdVmaxss : Inst::kIdVmaxsd, to, left, right);
  a_.bind(done);
  cold([=, this] {
    a_.bind(same);
    a_.emit(wants_less ? Inst::kIdVorps : Inst::kIdVandps, to, left, right);
    a_.jmp(done);
    a_.bind(nan);
    if (!nan_wins) {
      const Label left_is_nan = label();
      const Label both = label();
      compare(left, left);
      a_.jp(left_is_nan);
      a_.vmovaps(to, left);
      a_.jmp(done);
      a_.bind(left_is_nan);
      compare(right, right);
      a_.jp(both);
      a_.vmovaps(to, right);
      a_.jmp(done);
      a_.bind(both);
    }
    a_.vmovq(to, scratch(single ? offsetof(Scratch, nan4) : offsetof(Scratch, nan8)));
    a_.jmp(done);
  });
}

void Emitter::float_convert(Ref at) {
  const ir::Node& n = node(at);
  if (n.op == Op::float_from_int) {
    const Gp from = values_.gp(n.a);
    values_.release_operands();
    const Xmm to = values_.define_xmm(at);
    a_.vxorps(to, to, to);
    a_.emit(n.size == 4 ? Inst::kIdVcvtsi2ss : Inst::kIdVcvtsi2sd, to, to, n.imm == 4 ? Gp(from.r32()) : from);
    return;
  }
  const Xmm from = values_.xmm(n.a);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  a_.emit(n.op == Op::float_widen ? Inst::kIdVcvtss2sd : Inst::kIdVcvtsd2ss, to, from, from);
  make_nan_canonical(to, n.size);
}

void Emitter::box(Ref at) {
  const Xmm from = values_.xmm(node(at).a);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  Mem mask = state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, box)));
  mask.setSize(16);
  a_.vorps(to, from, mask);
}

void Emitter::unbox(Ref at) {
  const Ref boxed = node(at).a;
  const Label bad = label();
  const Label done = label();
  const Xmm from = values_.xmm(boxed);
  const Gp upper = values_.scratch_gp();
  a_.vpextrd(upper.r32(), from, 1);
  a_.cmp(upper.r32(), -1);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  if (to.id() != from.id()) a_.vmovaps(to, from);
  a_.jne(bad);
  a_.bind(done);
  cold([=, this] {
    a_.bind(bad);
    a_.vmovq(to, state(layout_.scratch + static_cast<int32_t>(offsetof(Scratch, nan4))));
    a_.jmp(done);
  });
}

}  // namespace emu::jit::x64
