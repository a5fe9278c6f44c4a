#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "emu/fp/format.h"
#include "emu/ir/builder.h"
#include "emu/isa/read_modify_write.h"
#include "emu/riscv/helpers.h"
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
      return give_up();
    }
  }
  template <class F>
  void set_f(unsigned number, Value value) {
    if constexpr (std::same_as<F, fp::F16>) {
      give_up();
    } else {
      const bool single = std::same_as<F, fp::F32>;
      known_.single[number] = single ? value : emu::ir::kNone;
      const Value bits = single ? append({.op = Op::box, .a = value}) : value;
      known_.f[number] = bits;
      append({.op = Op::set_f, .reg = static_cast<uint8_t>(number), .a = bits});
      note_dirty();
    }
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
    append({.op = Op::system, .imm = address(helper)});
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
  template <Rmw operation, class T>
  Value read_modify_write(Value address, Value operand) {
    if (sizeof(T) < 4 || operation > Rmw::bit_xor) return give_up();
    return append({.op = Op::read_modify_write,
                   .size = sizeof(T),
                   .a = address,
                   .b = operand,
                   .imm = static_cast<int64_t>(operation)});
  }
  template <class T>
  Value compare_and_swap(Value, Value, Value) {
    return give_up();
  }
  template <class T>
  Value load_reserved(Value) {
    return give_up();
  }
  template <class T>
  Value store_conditional(Value, Value) {
    return give_up();
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
  template <class F>
  Value float_fma(unsigned rm, Value a, Value b, Value c) {
    return rounded<F>(rm, {.op = Op::float_fma, .a = a, .b = b, .c = c});
  }
  template <class F>
  Value float_min(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_max(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_minimum(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_maximum(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_equal(Value a, Value b) {
    return compared<F>({.op = Op::float_equal, .a = a, .b = b});
  }
  template <class F>
  Value float_less(Value a, Value b) {
    return compared<F>({.op = Op::float_less, .a = a, .b = b});
  }
  template <class F>
  Value float_less_equal(Value a, Value b) {
    return compared<F>({.op = Op::float_less_equal, .a = a, .b = b});
  }
  template <class F>
  Value float_less_quiet(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_less_equal_quiet(Value, Value) {
    return give_up();
  }
  template <class F>
  Value float_classify(Value) {
    return give_up();
  }
  template <class Int, class F>
  Value float_to_int(unsigned, Value) {
    return give_up();
  }
  /// Unsigned 32-bit integers are signed 64-bit ones; unsigned 64-bit ones are not for the host.
  template <class F, class Int>
  Value float_from_int(unsigned rm, Value a) {
    if constexpr (std::same_as<Int, uint64_t>) {
      return give_up();
    } else {
      constexpr bool kWiden = std::same_as<Int, uint32_t>;
      const int64_t bytes = kWiden ? 8 : int64_t{sizeof(Int)};
      return rounded<F>(rm, {.op = Op::float_from_int, .a = kWiden ? zext32(a) : a, .imm = bytes});
    }
  }
  template <class To, class From>
  Value float_convert(unsigned rm, Value a) {
    if constexpr (std::same_as<To, fp::F64> && std::same_as<From, fp::F32>) {
      note_dirty();
      return append({.op = Op::float_widen, .size = 8, .a = a});
    } else if constexpr (std::same_as<To, fp::F32> && std::same_as<From, fp::F64>) {
      return rounded<To>(rm, {.op = Op::float_narrow, .a = a});
    } else {
      return give_up();
    }
  }
  template <class F>
  Value float_round(unsigned, Value, bool) {
    return give_up();
  }
  Value float_to_int32_modular(Value) { return give_up(); }

 private:
  /// The values that guest registers are known to have.
  struct Known {
    std::array<Value, 33> x;
    std::array<Value, 32> f;
    std::array<Value, 32> single;  ///< unboxed
    bool dirty;                    ///< floating-point state was noted as written
  };

  static int64_t address(void (*helper)(HartState&, const Insn&) noexcept) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(helper));
  }
  void forget() {
    known_.x.fill(emu::ir::kNone);
    known_.f.fill(emu::ir::kNone);
    known_.single.fill(emu::ir::kNone);
    known_.dirty = false;
  }
  Value give_up() {
    gave_up_ = true;
    return constant(0);
  }
  void note_dirty() {
    if (!known_.dirty) append({.op = Op::float_dirty});
    known_.dirty = true;
  }
  /// The host rounds as frm says, which has no mode for ties away from zero.
  bool host_rounds(unsigned rm) const { return (rm == 7 || rm == mode_.frm()) && mode_.frm() < 4; }
  template <class F>
  Value rounded(unsigned rm, emu::ir::Node node) {
    if (std::same_as<F, fp::F16> || !host_rounds(rm)) return give_up();
    node.size = sizeof(typename F::Bits);
    note_dirty();
    return append(node);
  }
  template <class F>
  Value compared(emu::ir::Node node) {
    if (std::same_as<F, fp::F16>) return give_up();
    node.size = sizeof(typename F::Bits);
    note_dirty();
    return append(node);
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
