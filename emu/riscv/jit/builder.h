#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "emu/fp/format.h"
#include "emu/ir/builder.h"
#include "emu/isa/read_modify_write.h"
#include "emu/jit/layout.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/jit/csr.h"
#include "emu/riscv/jit/evaluators.h"
#include "emu/riscv/jit/mode.h"

namespace emu::riscv::jit {

/// The builder that notes down what an instruction does: its values are IR nodes. One is made for a block.
///
/// What has no IR operation `gives_up()`: the instruction is then carried out by the interpreter's function for it.
class IrBuilder : public emu::ir::Builder {
 public:
  using Op = emu::ir::Op;

  IrBuilder(emu::ir::Block& block, Mode mode) : Builder(block), block_(block), mode_(mode) { forget(); }

  /// The instruction that the next calls are about.
  void begin(const Insn& insn) {
    insn_ = &insn;
    begin_insn(insn.index);
    first_node_ = block_.nodes.size();
    gave_up_ = false;
    saved_ = known_;
  }
  /// Replaces what was noted for the instruction by a call of `helper` if something could not be noted.
  void end(void (*helper)(HartState&, const Insn&) noexcept);

  /// The present instruction's second half must be at the host address `second_half`, the begin of the next page.
  void needs_next_page(const std::byte* second_half) {
    append({.op = Op::next_page, .imm = static_cast<int64_t>(reinterpret_cast<uintptr_t>(second_half))});
    first_node_ = block_.nodes.size();
  }

  /// The present instruction has something that could not be noted.
  bool gave_up() const { return gave_up_; }

  /// The block has a node that leaves it.
  bool has_left() const {
    return !block_.nodes.empty() && emu::ir::info(block_.nodes.back().op).effect == emu::ir::Effect::leaves;
  }
  /// Ends a block that no instruction ended, behind the present one.
  void go_on() { append({.op = Op::jump, .imm = insn_->pc_offset + insn_->length}); }

  // --- registers ---

  Value x(unsigned number) {
    if (number == 0) return constant(0);
    Value& value = known_.x[number];
    if (value == emu::ir::kNone) value = append({.op = Op::get_x, .reg = static_cast<uint8_t>(number)});
    return value;
  }
  void set_x(unsigned number, Value value) {
    if (number == HartState::kSink) return;
    known_.x[number] = value;
    append({.op = Op::set_x, .reg = static_cast<uint8_t>(number), .a = value});
  }
  Value f_bits(unsigned number) {
    Value& value = known_.f[number];
    if (value == emu::ir::kNone) value = append({.op = Op::get_f, .reg = static_cast<uint8_t>(number)});
    return value;
  }
  template <class F>
  Value f(unsigned number) {
    if constexpr (std::same_as<F, fp::F64>) {
      return f_bits(number);
    } else if constexpr (std::same_as<F, fp::F32>) {
      Value& value = known_.single[number];
      if (value == emu::ir::kNone) value = append({.op = Op::unbox, .size = 4, .a = f_bits(number)});
      return value;
    } else {
      const Value bits = f_bits(number);
      const Value is_boxed = equal(bit_or(bits, imm(0xffff)), imm(-1));
      return select(is_boxed, zext16(bits), imm(fp::F16::kCanonicalNan));
    }
  }
  template <class F>
  void set_f(unsigned number, Value value) {
    known_.single[number] = std::same_as<F, fp::F32> ? value : emu::ir::kNone;
    Value bits = value;
    if (std::same_as<F, fp::F32>) bits = append({.op = Op::box, .a = value});
    if (std::same_as<F, fp::F16>) bits = bit_or(value, imm(-1 << 16));
    known_.f[number] = bits;
    append({.op = Op::set_f, .reg = static_cast<uint8_t>(number), .a = bits});
    note_dirty();
  }

  // --- control flow ---

  Value pc() { return append({.op = Op::page_pc, .imm = insn_->pc_offset}); }
  Value next_pc() { return append({.op = Op::page_pc, .imm = insn_->pc_offset + insn_->length}); }
  void branch(Value condition, int32_t offset) {
    append({.op = Op::branch,
            .a = condition,
            .otherwise = insn_->pc_offset + insn_->length,
            .imm = insn_->pc_offset + int64_t{offset}});
  }
  void jump(int32_t offset) { append({.op = Op::jump, .imm = insn_->pc_offset + int64_t{offset}}); }
  void jump_register(Value target) { append({.op = Op::jump_register, .a = target}); }

  template <void (*helper)(HartState&, const Insn&) noexcept>
  void system() {
    const CsrForm* const form = csr_form(helper);
    if (form == nullptr || !note_csr(*form)) append({.op = Op::system, .imm = address(helper)});
  }
  template <void (*helper)(HartState&, const Insn&) noexcept>
  void call() {
    append({.op = Op::call, .imm = address(helper)});
    forget();
  }

  // --- memory ---

  template <class T>
  Value load(Value address) {
    return append({.op = Op::load, .size = sizeof(T), .is_signed = std::is_signed_v<T>, .a = address});
  }
  template <class T>
  void store(Value address, Value value) {
    append({.op = Op::store, .size = sizeof(T), .a = address, .b = value});
  }
  void zero_block(Value address) { append({.op = Op::zero_block, .a = address}); }
  template <Rmw operation, class T>
  Value read_modify_write(Value address, Value operand) {
    return append({.op = Op::read_modify_write,
                   .size = sizeof(T),
                   .a = address,
                   .b = operand,
                   .imm = static_cast<int64_t>(operation)});
  }
  template <class T>
  Value compare_and_swap(Value address, Value expected, Value desired) {
    return append({.op = Op::compare_and_swap, .size = sizeof(T), .a = address, .b = expected, .c = desired});
  }
  template <class T>
  Value load_reserved(Value address) {
    return append({.op = Op::load_reserved, .size = sizeof(T), .a = address});
  }
  template <class T>
  Value store_conditional(Value address, Value value) {
    return append({.op = Op::store_conditional, .size = sizeof(T), .a = address, .b = value});
  }
  /// The host keeps every order but that of earlier stores and later loads.
  void fence(bool stores_before_loads) {
    if (stores_before_loads) append({.op = Op::fence});
  }
  void pause() { append({.op = Op::pause}); }

  // --- floating point ---

  bool enter_fp(const Insn&) {
    if (mode_.fp_enabled()) return true;
    append({.op = Op::system, .imm = address(raise_illegal)});
    return false;
  }
  bool enter_fp_rounded(const Insn& insn) {
    const unsigned field = insn.raw >> 12 & 7;
    if (mode_.fp_enabled() && (field == 7 ? mode_.frm() : field) <= 4) return true;
    append({.op = Op::system, .imm = address(raise_illegal)});
    return false;
  }

  template <class F>
  Value float_add(unsigned rm, Value a, Value b) {
    return rounded<F>(rm, {.op = Op::float_add, .a = a, .b = b});
  }
  template <class F>
  Value float_sub(unsigned rm, Value a, Value b) {
    return rounded<F>(rm, {.op = Op::float_sub, .a = a, .b = b});
  }
  template <class F>
  Value float_mul(unsigned rm, Value a, Value b) {
    return rounded<F>(rm, {.op = Op::float_mul, .a = a, .b = b});
  }
  template <class F>
  Value float_div(unsigned rm, Value a, Value b) {
    return rounded<F>(rm, {.op = Op::float_div, .a = a, .b = b});
  }
  template <class F>
  Value float_sqrt(unsigned rm, Value a) {
    return rounded<F>(rm, {.op = Op::float_sqrt, .a = a});
  }
  /// No other format holds what a fused multiply-add of half-precision numbers rounds once.
  template <class F>
  Value float_fma(unsigned rm, Value a, Value b, Value c) {
    if (std::same_as<F, fp::F16>) return give_up();
    return rounded<F>(rm, {.op = Op::float_fma, .a = a, .b = b, .c = c});
  }
  template <class F>
  Value float_min(Value a, Value b) {
    return exact<F>({.op = Op::float_min, .a = a, .b = b});
  }
  template <class F>
  Value float_max(Value a, Value b) {
    return exact<F>({.op = Op::float_max, .a = a, .b = b});
  }
  template <class F>
  Value float_minimum(Value a, Value b) {
    return exact<F>({.op = Op::float_minimum, .a = a, .b = b});
  }
  template <class F>
  Value float_maximum(Value a, Value b) {
    return exact<F>({.op = Op::float_maximum, .a = a, .b = b});
  }
  template <class F>
  Value float_equal(Value a, Value b) {
    return computed<F>({.op = Op::float_equal, .a = a, .b = b});
  }
  template <class F>
  Value float_less(Value a, Value b) {
    return computed<F>({.op = Op::float_less, .a = a, .b = b});
  }
  template <class F>
  Value float_less_equal(Value a, Value b) {
    return computed<F>({.op = Op::float_less_equal, .a = a, .b = b});
  }
  template <class F>
  Value float_less_quiet(Value a, Value b) {
    return computed<F>({.op = Op::float_less_quiet, .a = a, .b = b});
  }
  template <class F>
  Value float_less_equal_quiet(Value a, Value b) {
    return computed<F>({.op = Op::float_less_equal_quiet, .a = a, .b = b});
  }
  /// Unprivileged §20.9: the classes of negative values are 3 to 0, of others 4 to 7: zero, subnormal, normal,
  /// infinite.
  template <class F>
  Value float_classify(Value a) {
    const Value magnitude = bit_and(a, constant(F::kSign - 1u));
    const Value infinity = constant(F::kInfinity);
    const Value kind =
        add(add(not_equal(magnitude, imm(0)), greater_equal_unsigned(magnitude, constant(F::kMinNormal))),
            greater_equal_unsigned(magnitude, infinity));
    const Value sign = shift_right(a, imm(F::kWidth - 1));
    const Value number = bit_xor(add(kind, imm(4)), sub(shift_left(sign, imm(3)), sign));
    const Value nan = add(bit_and(shift_right(a, imm(F::kFractionBits - 1)), imm(1)), imm(8));
    return shift_left(imm(1), select(less_unsigned(infinity, magnitude), nan, number));
  }
  template <class Int, class F>
  Value float_to_int(unsigned rm, Value a) {
    const unsigned direction = direction_of(rm);
    if (direction == kNearestAway) return evaluated(evaluate_to_int<Int, F>, a, direction);
    using Wide = std::conditional_t<std::same_as<F, fp::F16>, fp::F32, F>;
    return computed<F>({.op = Op::float_to_int,
                        .is_signed = std::is_signed_v<Int>,
                        .reg = static_cast<uint8_t>(direction),
                        .a = a,
                        .otherwise = sizeof(Int),
                        .imm = address(evaluate_to_int<Int, Wide>)});
  }
  Value float_to_int32_modular(Value a) {
    return computed<fp::F64>({.op = Op::float_to_int_modular,
                              .is_signed = true,
                              .reg = static_cast<uint8_t>(fp::Rounding::to_zero),
                              .a = a,
                              .otherwise = 4,
                              .imm = address(evaluate_to_int_modular)});
  }
  /// Unsigned 32-bit integers are signed 64-bit ones.
  template <class F, class Int>
  Value float_from_int(unsigned rm, Value a) {
    constexpr bool kIsExact = std::same_as<F, fp::F64> && sizeof(Int) == 4;
    if (!kIsExact && !host_rounds(rm)) return evaluated(evaluate_from_int<F, Int>, a, rm);
    using Wide = std::conditional_t<std::same_as<F, fp::F16>, fp::F32, F>;
    constexpr auto kSize = static_cast<uint8_t>(sizeof(typename Wide::Bits));
    note_dirty();
    Value made;
    if constexpr (std::same_as<Int, uint64_t>) {
      made = append({.op = Op::float_from_unsigned,
                     .size = kSize,
                     .reg = kDynamicDirection,
                     .a = a,
                     .imm = address(evaluate_from_int<Wide, Int>)});
    } else if constexpr (std::same_as<Int, uint32_t>) {
      made = append({.op = Op::float_from_int, .size = kSize, .a = zext32(a), .imm = 8});
    } else {
      made = append({.op = Op::float_from_int, .size = kSize, .a = a, .imm = sizeof(Int)});
    }
    // Integers that the narrow format can hold are exact in the wide one.
    return std::same_as<F, fp::F16> ? narrow(made) : made;
  }
  template <class To, class From>
  Value float_convert(unsigned rm, Value a) {
    constexpr bool kFromHalf = std::same_as<From, fp::F16>;
    constexpr bool kToHalf = std::same_as<To, fp::F16>;
    constexpr bool kIsExact = To::kWidth > From::kWidth;
    // From double to half by way of single would round twice.
    if ((kToHalf && std::same_as<From, fp::F64>) || (!kIsExact && !host_rounds(rm)))
      return evaluated(evaluate_convert<To, From>, a, rm);
    note_dirty();
    if constexpr (kToHalf) return narrow(a);
    const Value single = kFromHalf ? widen(a) : a;
    if constexpr (std::same_as<To, fp::F64>) return append({.op = Op::float_widen, .size = 8, .a = single});
    return kFromHalf ? single : append({.op = Op::float_narrow, .size = 4, .a = a});
  }
  template <class F>
  Value float_round(unsigned rm, Value a, bool signal_inexact) {
    const unsigned direction = direction_of(rm);
    if (direction == kNearestAway)
      return evaluated(signal_inexact ? evaluate_round<F, true> : evaluate_round<F, false>, a, direction);
    return exact<F>(
        {.op = Op::float_round, .reg = static_cast<uint8_t>(direction), .a = a, .imm = signal_inexact ? 1 : 0});
  }

 private:
  /// The values that guest registers are known to have.
  struct Known {
    std::array<Value, 33> x;
    std::array<Value, 32> f;
    std::array<Value, 32> single;  ///< unboxed
    bool dirty;                    ///< floating-point state was noted as written
  };

  template <class Function>
  static int64_t address(Function* function) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(function));
  }
  void forget() {
    known_.x.fill(emu::ir::kNone);
    known_.f.fill(emu::ir::kNone);
    known_.single.fill(emu::ir::kNone);
    known_.dirty = false;
  }
  // csr_ir.cc
  /// False: the instruction has to leave its block.
  bool note_csr(const CsrForm& form);
  void note_held_csr(const CsrForm& form, const HeldCsr& held);
  void note_status(const CsrForm& form);
  /// What the register gets.
  Value combined(const CsrForm& form, Value before);
  /// Eight bytes of HartState.
  Value state(size_t offset) { return append({.op = Op::state, .size = 8, .imm = static_cast<int64_t>(offset)}); }
  /// If `condition` is not 0 the instruction is carried out outside.
  void leave_if(const CsrForm& form, Value condition) {
    append({.op = Op::system_if, .a = condition, .imm = address(form.helper)});
  }

  Value give_up() {
    gave_up_ = true;
    return constant(0);
  }
  void note_dirty() {
    if (!known_.dirty) append({.op = Op::float_dirty});
    known_.dirty = true;
  }
  static constexpr auto kNearestAway = static_cast<unsigned>(fp::Rounding::nearest_away);

  /// The host rounds as frm says, which has no mode for ties away from zero.
  bool host_rounds(unsigned rm) const { return (rm == 7 || rm == mode_.frm()) && mode_.frm() < kNearestAway; }
  /// A direction of its own, or that of the host if that is the same.
  unsigned direction_of(unsigned rm) const {
    const unsigned direction = rm == 7 ? mode_.frm() : rm;
    return direction != 1 && host_rounds(direction) ? 7 : direction;
  }

  Value widen(Value half) { return append({.op = Op::float_from_half, .size = 4, .a = half}); }
  Value narrow(Value single) { return append({.op = Op::float_to_half, .size = 4, .a = single}); }
  Value evaluated(emu::jit::Layout::Evaluate evaluator, Value a, unsigned direction) {
    note_dirty();
    return append({.op = Op::evaluate, .a = a, .b = constant(direction), .imm = address(evaluator)});
  }

  /// Half-precision operations are single-precision ones on the same numbers; what they round twice is the same as if
  /// it were rounded once, since single precision has more than twice the digits (Figueroa 1995).
  template <class F>
  Value computed(emu::ir::Node node) {
    note_dirty();
    node.size = sizeof(typename F::Bits);
    if constexpr (std::same_as<F, fp::F16>) {
      node.size = 4;
      node.a = widen(node.a);
      if (node.b != emu::ir::kNone) node.b = widen(node.b);
    }
    return append(node);
  }
  template <class F>
  Value exact(emu::ir::Node node) {
    const Value result = computed<F>(node);
    return std::same_as<F, fp::F16> ? narrow(result) : result;
  }
  template <class F>
  Value rounded(unsigned rm, emu::ir::Node node) {
    return host_rounds(rm) ? exact<F>(node) : give_up();
  }

  emu::ir::Block& block_;
  const Mode mode_;
  const Insn* insn_ = nullptr;
  size_t first_node_ = 0;
  bool gave_up_ = false;
  Known known_;
  Known saved_;
};

}  // namespace emu::riscv::jit
