#include "emu/jit/x64/emitter.h"

#include "emu/jit/scratch.h"
#include "hv/base/check.h"

namespace emu::jit::x64 {

using namespace asmjit::x86;
using ir::Op;
using ir::Ref;

namespace {

bool is_comparison(Op op) {
  return op == Op::equal || op == Op::not_equal || op == Op::less || op == Op::less_unsigned ||
         op == Op::greater_equal || op == Op::greater_equal_unsigned;
}

/// Operations whose low 32 bits depend on the low 32 bits of their operands alone.
bool has_word_form(Op op) {
  return op == Op::add || op == Op::sub || op == Op::mul || op == Op::bit_and || op == Op::bit_or || op == Op::bit_xor;
}

/// Of the operations that give or are floating point.
bool takes_integers(Op op) {
  return op == Op::float_from_int || op == Op::float_from_unsigned || op == Op::float_from_half || op == Op::evaluate;
}

bool takes_address(Op op) { return op == Op::load || op == Op::store || op == Op::load_near || op == Op::store_near; }

}  // namespace

Emitter::Emitter(Assembler& a, const Layout& layout, const Thunks& thunks)
    : a_(a), layout_(layout), thunks_(thunks), values_(a, layout) {}

void Emitter::count(size_t offset) {
  if (layout_.counts) a_.add(scratch(offsetof(Scratch, counters) + offset), 1);
}

void Emitter::find_fusions() {
  const size_t count = ir_->nodes.size();
  fused_.assign(count, false);
  uses_.assign(count, 0);
  float_uses_.assign(count, 0);
  for (const ir::Node& node : ir_->nodes) {
    const std::array<Ref, 3> operands = {node.a, node.b, node.c};
    const ir::OpInfo& info = ir::info(node.op);
    const bool wants_float = node.op == Op::set_f || node.op == Op::box || node.op == Op::unbox ||
                             (info.effect == ir::Effect::reads && !takes_integers(node.op));
    for (size_t k = 0; k < info.operands; ++k) {
      ++uses_[operands[k]];
      if (wants_float) ++float_uses_[operands[k]];
    }
  }
  const auto fuse_if = [&](Ref value, bool matches) {
    if (matches && uses_[value] == 1) fused_[value] = true;
  };
  for (const ir::Node& user : ir_->nodes) {
    if (takes_address(user.op)) {
      const ir::Node& address = node(user.a);
      fuse_if(user.a, address.op == Op::add && is_constant(address.b) &&
                          node(address.b).imm == static_cast<int32_t>(node(address.b).imm));
    } else if (user.op == Op::branch || user.op == Op::select) {
      fuse_if(user.a, is_comparison(node(user.a).op));
    } else if (user.op == Op::sext32) {
      fuse_if(user.a, has_word_form(node(user.a).op));
    } else if (user.op == Op::add && !is_constant(user.b)) {
      fuse_if(user.a, is_scaled(user.a) && user.a != user.b);
      if (!fused_[user.a]) fuse_if(user.b, is_scaled(user.b));
    }
  }
}

void Emitter::emit(const ir::Block& ir, Block& out) {
  ir_ = &ir;
  out_ = &out;
  cold_.clear();
  find_fusions();
  values_.begin(ir, fused_);
  a_.embedUInt64(0);
  a_.embedUInt64(reinterpret_cast<uint64_t>(out.host));
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    const auto at = static_cast<Ref>(i);
    if (fused_[i]) continue;
    values_.begin_node(at);
    emit_node(at);
    values_.end_node();
  }
  // A cold part may add others.
  for (size_t i = 0; i < cold_.size(); ++i) {
    const std::function<void()> part = std::move(cold_[i]);
    part();
  }
}

void Emitter::emit_node(Ref at) {
  const ir::Node& n = node(at);
  switch (n.op) {
    case Op::nothing:
    case Op::constant:
      return;
    case Op::page_pc: {
      const Gp to = values_.define_gp(at);
      a_.mov(to, state(layout_.pc_page));
      if (n.imm != 0) a_.add(to, n.imm);
      return;
    }
    case Op::get_x:
      return values_.get_guest(Class::integer, n.reg, at);
    case Op::get_f:
      return values_.get_guest(Class::floating, n.reg, at);
    case Op::set_x:
      return values_.set_guest(Class::integer, n.reg, n.a);
    case Op::set_f:
      return values_.set_guest(Class::floating, n.reg, n.a);
    case Op::state: {
      const Gp to = values_.define_gp(at);
      if (n.size == 1)
        a_.movzx(to.r32(), byte_ptr(kState, static_cast<int32_t>(n.imm) - kStateBias));
      else
        a_.mov(to, state(static_cast<int32_t>(n.imm)));
      return;
    }
    case Op::set_state:
      a_.mov(state(static_cast<int32_t>(n.imm)), values_.gp(n.a));
      return;
    case Op::add:
    case Op::sub:
    case Op::bit_and:
    case Op::bit_or:
    case Op::bit_xor:
    case Op::mul:
    case Op::shift_left:
    case Op::shift_right:
    case Op::shift_right_signed:
      return binary(at, n.op, n.a, n.b, 8);
    case Op::shift_left32:
      return shift(at, Op::shift_left, n.a, n.b, 4);
    case Op::shift_right32:
      return shift(at, Op::shift_right, n.a, n.b, 4);
    case Op::shift_right_signed32:
      return shift(at, Op::shift_right_signed, n.a, n.b, 4);
    case Op::rotate_left:
    case Op::rotate_right:
      return rotate(at, n.op, n.a, n.b, 8);
    case Op::rotate_left32:
      return rotate(at, Op::rotate_left, n.a, n.b, 4);
    case Op::rotate_right32:
      return rotate(at, Op::rotate_right, n.a, n.b, 4);
    case Op::bit_not:
    case Op::sext8:
    case Op::sext16:
    case Op::zext16:
    case Op::zext32:
    case Op::leading_zeros:
    case Op::trailing_zeros:
    case Op::popcount:
    case Op::byte_swap:
      return unary(at);
    case Op::sext32:
      return sext32(at);
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_unsigned:
    case Op::greater_equal:
    case Op::greater_equal_unsigned:
      return set_condition(at);
    case Op::select:
      return select(at);
    case Op::mul_high:
    case Op::mul_high_unsigned:
    case Op::mul_high_signed_unsigned:
      return mul_high(at);
    case Op::divide:
    case Op::remainder:
    case Op::divide_unsigned:
    case Op::remainder_unsigned:
      return divide(at, n.op, 8);
    case Op::divide32:
      return divide(at, Op::divide, 4);
    case Op::remainder32:
      return divide(at, Op::remainder, 4);
    case Op::divide_unsigned32:
      return divide(at, Op::divide_unsigned, 4);
    case Op::remainder_unsigned32:
      return divide(at, Op::remainder_unsigned, 4);
    case Op::fill_bytes:
      return fill_bytes(at);
    case Op::carryless_mul:
    case Op::carryless_mul_high:
      return carryless(at);
    case Op::reach_to_load:
    case Op::reach_to_store:
      return reach(at);
    case Op::load:
    case Op::load_near:
      return load(at);
    case Op::store:
    case Op::store_near:
      return store(at);
    case Op::zero_block:
      return zero_block(at);
    case Op::fence:
      a_.mfence();
      return;
    case Op::pause:
      a_.pause();
      return;
    case Op::float_add:
    case Op::float_sub:
    case Op::float_mul:
    case Op::float_div:
    case Op::float_sqrt:
      return float_arithmetic(at);
    case Op::float_fma:
      return float_fma(at);
    case Op::float_equal:
    case Op::float_less:
    case Op::float_less_equal:
    case Op::float_less_quiet:
    case Op::float_less_equal_quiet:
      return float_compare(at);
    case Op::float_min:
    case Op::float_max:
    case Op::float_minimum:
    case Op::float_maximum:
      return float_min_max(at);
    case Op::float_round:
      return float_round(at);
    case Op::float_to_int:
    case Op::float_to_int_modular:
      return float_to_int(at);
    case Op::float_from_unsigned:
      return float_from_unsigned(at);
    case Op::float_from_half:
      return float_from_half(at);
    case Op::float_to_half:
      return float_to_half(at);
    case Op::evaluate:
      return evaluate(at);
    case Op::float_from_int:
    case Op::float_widen:
    case Op::float_narrow:
      return float_convert(at);
    case Op::box:
      return box(at);
    case Op::unbox:
      return unbox(at);
    case Op::float_dirty:
      a_.mov(byte_ptr(kState, layout_.fp_dirty - kStateBias), 1);
      return;
    case Op::next_page:
      return next_page(at);
    case Op::system_if:
      return system_if(at);
    case Op::call:
      return call(at);
    case Op::jump:
      return jump(at);
    case Op::branch:
      return branch(at);
    case Op::jump_register:
      return jump_register(at);
    case Op::system:
      return system(at);
    case Op::read_modify_write:
      return read_modify_write(at);
    case Op::compare_and_swap:
      return compare_and_swap(at);
    case Op::load_reserved:
      return load_reserved(at);
    case Op::store_conditional:
      return store_conditional(at);
  }
  CHECK(false);
}

}  // namespace emu::jit::x64
