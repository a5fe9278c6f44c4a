#include "emu/fp/env.h"
#include "emu/fp/format.h"
#include "emu/jit/scratch.h"
#include "emu/jit/x64/emitter.h"

/// Conversions between floating-point formats and integers. The host raises the flags that the guest wants, but for
/// what does not fit an unsigned integer; of NaNs and of what does not fit it makes the smallest integer.
namespace emu::jit::x64 {

using asmjit::imm;
using namespace asmjit::x86;
using ir::Op;
using ir::Ref;

namespace {

constexpr uint8_t kHostDirection = 7;
constexpr auto kToZero = static_cast<uint8_t>(fp::Rounding::to_zero);

/// Intel SDM volume 2, ROUNDSD: the direction in bits 1..0, bit 2 for MXCSR's, bit 3 for no precision exception.
unsigned round_control(uint8_t direction, bool signals_inexact) {
  constexpr unsigned kDirections[] = {0, 3, 1, 2};
  return (direction == kHostDirection ? 4 : kDirections[direction]) | (signals_inexact ? 0 : 8);
}

/// The bits of a number from which on a conversion to an unsigned integer may not fit it, or a signed one of 8 bytes,
/// whatever the direction. The bits of negative numbers and NaNs are larger.
uint64_t unsigned_limit(unsigned format, int32_t bytes) {
  constexpr uint64_t kBelow2To32 = 0x41ef'ffff'ffe0'0000;
  if (format == 4) return static_cast<uint64_t>(bytes == 4 ? 127 + 32 : 127 + 63) << fp::F32::kFractionBits;
  return bytes == 4 ? kBelow2To32 : uint64_t{1023 + 63} << fp::F64::kFractionBits;
}

}  // namespace

void Emitter::call_evaluator(uint64_t evaluator) {
  Mem low = scratch(offsetof(Scratch, evaluator));
  low.setSize(4);
  Mem high = scratch(offsetof(Scratch, evaluator) + 4);
  high.setSize(4);
  a_.mov(low, imm(static_cast<int32_t>(evaluator)));
  a_.mov(high, imm(static_cast<int32_t>(evaluator >> 32)));
  a_.call(imm(reinterpret_cast<uint64_t>(thunks_.evaluate)));
}

void Emitter::evaluate_slowly(Xmm from, const ir::Node& n) {
  a_.vmovq(scratch(offsetof(Scratch, slow_address)), from);
  a_.mov(scratch(offsetof(Scratch, slow_value)), imm(n.reg));
  call_evaluator(static_cast<uint64_t>(n.imm));
}

void Emitter::evaluate(Ref at) {
  const ir::Node n = node(at);
  a_.mov(scratch(offsetof(Scratch, slow_address)), values_.gp(n.a));
  if (is_constant(n.b))
    a_.mov(scratch(offsetof(Scratch, slow_value)), imm(node(n.b).imm));
  else
    a_.mov(scratch(offsetof(Scratch, slow_value)), values_.gp(n.b));
  call_evaluator(static_cast<uint64_t>(n.imm));
  values_.release_operands();
  a_.mov(values_.define_gp(at), scratch(offsetof(Scratch, slow_value)));
}

void Emitter::convert_to_int(Gp to, Xmm from, Xmm whole, const ir::Node& n, unsigned bytes) {
  const bool single = n.size == 4;
  const auto truncate = single ? Inst::kIdVcvttss2si : Inst::kIdVcvttsd2si;
  const auto convert = single ? Inst::kIdVcvtss2si : Inst::kIdVcvtsd2si;
  const auto sized = [bytes](Gp reg) { return bytes == 4 ? Gp(reg.r32()) : reg; };
  if (n.reg == kToZero || n.reg == kHostDirection) {
    a_.emit(n.reg == kToZero ? truncate : convert, sized(to), from);
    return;
  }
  a_.emit(single ? Inst::kIdVroundss : Inst::kIdVroundsd, whole, from, from, imm(round_control(n.reg, false)));
  a_.emit(truncate, sized(to), whole);
}

void Emitter::float_to_int(Ref at) {
  const ir::Node n = node(at);
  const bool single = n.size == 4;
  const bool is_word = n.otherwise == 4;
  const bool is_rounded_first = n.reg != kToZero && n.reg != kHostDirection;
  const Xmm from = values_.xmm(n.a);
  const Gp work = values_.scratch_gp();
  const Xmm whole = is_rounded_first ? values_.scratch_xmm() : from;
  const Label rare = label();
  const Label done = label();
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  if (n.is_signed) {
    convert_to_int(to, from, whole, n, is_word ? 4 : 8);
    a_.cmp(is_word ? Gp(to.r32()) : to, 1);  // overflows of the smallest integer alone
    a_.jo(rare);
  } else {
    const uint64_t limit = unsigned_limit(n.size, n.otherwise);
    if (single) {
      a_.vmovd(work.r32(), from);
      a_.cmp(work.r32(), imm(static_cast<int32_t>(limit)));
    } else {
      a_.vmovq(work, from);
      a_.mov(to, imm(limit));
      a_.cmp(work, to);
    }
    a_.jae(rare);
    convert_to_int(to, from, whole, n, 8);
  }
  // Rounding to an integral value was silent, since what comes of it may not fit.
  if (is_rounded_first) a_.emit(single ? Inst::kIdVcvttss2si : Inst::kIdVcvttsd2si, work, from);
  const bool is_modular = n.op == Op::float_to_int_modular;
  const bool is_rare_simple = n.is_signed && !is_modular && !is_rounded_first;
  const Label extend = label();
  if (is_word) {
    a_.bind(extend);
    a_.movsxd(to, to.r32());
  }
  a_.bind(done);
  cold([=, this] {
    a_.bind(rare);
    if (is_rare_simple) return fit_signed(to, from, n, is_word ? extend : done);
    evaluate_slowly(from, n);
    a_.mov(to, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

// The smallest integer is right for what is negative; NaNs and what is positive give the largest one.
void Emitter::fit_signed(Gp to, Xmm from, const ir::Node& n, Label done) {
  const bool single = n.size == 4;
  const bool is_word = n.otherwise == 4;
  const Label largest = label();
  a_.emit(single ? Inst::kIdVucomiss : Inst::kIdVucomisd, from, from);
  a_.jp(largest);
  a_.emit(single ? Inst::kIdVmovmskps : Inst::kIdVmovmskpd, to.r32(), from);
  a_.test(to.r32(), 1);
  a_.mov(to, imm(is_word ? int64_t{INT32_MIN} : INT64_MIN));
  a_.jne(done);
  a_.bind(largest);
  a_.mov(to, imm(is_word ? int64_t{INT32_MAX} : INT64_MAX));
  a_.jmp(done);
}

void Emitter::float_from_unsigned(Ref at) {
  const ir::Node n = node(at);
  const Gp from = values_.gp(n.a);
  const Label rare = label();
  const Label done = label();
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  a_.test(from, from);
  a_.js(rare);
  a_.vxorps(to, to, to);
  a_.emit(n.size == 4 ? Inst::kIdVcvtsi2ss : Inst::kIdVcvtsi2sd, to, to, from);
  a_.bind(done);
  cold([=, this] {
    a_.bind(rare);
    a_.mov(scratch(offsetof(Scratch, slow_address)), from);
    a_.mov(scratch(offsetof(Scratch, slow_value)), imm(n.reg));
    call_evaluator(static_cast<uint64_t>(n.imm));
    a_.vmovq(to, scratch(offsetof(Scratch, slow_value)));
    a_.jmp(done);
  });
}

void Emitter::float_round(Ref at) {
  const ir::Node& n = node(at);
  const Xmm from = values_.xmm(n.a);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  a_.emit(n.size == 4 ? Inst::kIdVroundss : Inst::kIdVroundsd, to, from, from, imm(round_control(n.reg, n.imm != 0)));
  make_nan_canonical(to, n.size);
}

// Both convert four numbers at once; the others are zeros.
void Emitter::float_from_half(Ref at) {
  const Gp from = values_.gp(node(at).a);
  values_.release_operands();
  const Xmm to = values_.define_xmm(at);
  a_.vmovd(to, from.r32());
  a_.vcvtph2ps(to, to);
  make_nan_canonical(to, 4);
}

void Emitter::float_to_half(Ref at) {
  constexpr unsigned kFirstAlone = 0b1110;
  constexpr unsigned kDirectionOfMxcsr = 4;
  const Xmm from = values_.xmm(node(at).a);
  const Xmm half = values_.scratch_xmm();
  const Label nan = label();
  const Label done = label();
  values_.release_operands();
  const Gp to = values_.define_gp(at);
  a_.vinsertps(half, from, from, imm(kFirstAlone));
  a_.vcvtps2ph(half, half, imm(kDirectionOfMxcsr));
  a_.vmovd(to.r32(), half);
  a_.vucomiss(from, from);
  a_.jp(nan);
  a_.bind(done);
  cold([=, this] {
    a_.bind(nan);
    a_.mov(to.r32(), imm(fp::F16::kCanonicalNan));
    a_.jmp(done);
  });
}

}  // namespace emu::jit::x64
