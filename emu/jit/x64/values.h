#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <asmjit/x86.h>

#include "emu/ir/ir.h"
#include "emu/jit/layout.h"
#include "emu/jit/x64/registers.h"

namespace emu::jit::x64 {

enum class Class : uint8_t { integer, floating };

/// Where the values of a block are while its code is emitted, node by node. A value can be in a host register of each
/// class, in the home of a guest register that has it, and in a spill slot.
///
/// Per node: ask for the operands' registers, then `release_operands`, then `define` the result. Registers that were
/// handed out stay put until `end_node`. What asks for a register may emit a spill, which a jump to a cold part would
/// leave out: who emits such a jump tells so by `stay_put`.
class Values {
 public:
  Values(asmjit::x86::Assembler& a, const Layout& layout);

  /// `fused[i]`: node i is emitted as a part of its only user.
  void begin(const ir::Block& block, const std::vector<bool>& fused);
  void begin_node(ir::Ref at);
  void end_node();

  bool is_last_use(ir::Ref value) const { return last_use_[value] <= now_; }
  unsigned uses(ir::Ref value) const { return uses_[value]; }

  /// A host register that has `value`.
  asmjit::x86::Gp gp(ir::Ref value) { return asmjit::x86::gpq(reg(Class::integer, value)); }
  asmjit::x86::Xmm xmm(ir::Ref value) { return asmjit::x86::xmm(reg(Class::floating, value)); }
  /// The same, or a memory operand or an immediate where an instruction can take one. `bytes` is 4 or 8.
  asmjit::Operand any(ir::Ref value, unsigned bytes = 8);
  bool is_in_register(Class c, ir::Ref value) const { return where_[value].reg[index(c)] >= 0; }

  /// Operands that are not used any more leave their temporaries.
  void release_operands();
  asmjit::x86::Gp define_gp(ir::Ref value) { return asmjit::x86::gpq(define(Class::integer, value)); }
  asmjit::x86::Xmm define_xmm(ir::Ref value) { return asmjit::x86::xmm(define(Class::floating, value)); }

  /// Defines `value` in the host register of the guest register that gets it next, if that can be done without code.
  std::optional<asmjit::x86::Gp> define_in_guest_gp(ir::Ref value);
  /// The result is in `reg`, a scratch register of the node.
  void adopt_gp(ir::Ref value, const asmjit::x86::Gp& reg) { put(Class::integer, reg.id(), value); }

  /// Puts `value` into `to`, a scratch register of the node, besides where it is. Leaves the host's flags alone.
  void load_into(const asmjit::x86::Gp& to, ir::Ref value) { copy(Class::integer, to.id(), value); }

  /// A temporary until the end of the node.
  asmjit::x86::Gp scratch_gp() { return asmjit::x86::gpq(fresh(Class::integer)); }
  asmjit::x86::Xmm scratch_xmm() { return asmjit::x86::xmm(fresh(Class::floating)); }
  /// A certain temporary, whatever it has now.
  asmjit::x86::Gp take(uint32_t id);

  /// `get_x`, `get_f`: `value` is what the guest register has.
  void get_guest(Class c, uint8_t guest, ir::Ref value);
  void set_guest(Class c, uint8_t guest, ir::Ref value);
  /// All guest registers may have changed, and no temporary keeps its value.
  void forget_all();

  asmjit::x86::Mem state(int32_t offset) const { return asmjit::x86::qword_ptr(kState, offset - kStateBias); }
  asmjit::x86::Mem home(Class c, unsigned guest) const {
    return state((c == Class::integer ? layout_.x : layout_.f) + 8 * static_cast<int32_t>(guest));
  }

  /// To the end of the node a spill or a reload is a bug from here: a jump to a cold part, which comes back behind it,
  /// would leave it out.
  void stay_put() { moves_nothing_ = true; }

 private:
  static constexpr int8_t kNowhere = -1;
  struct Where {
    std::array<int8_t, 2> reg = {kNowhere, kNowhere};
    int16_t home = kNowhere;  ///< guest register
    Class home_class = Class::integer;
    int8_t slot = kNowhere;
  };
  static constexpr size_t kGuestRegisters = 64;
  static size_t index(Class c) { return static_cast<size_t>(c); }
  static const Bank& bank(Class c) { return c == Class::integer ? kIntegerBank : kFloatBank; }

  uint32_t reg(Class c, ir::Ref value);
  uint32_t define(Class c, ir::Ref value);
  std::optional<uint32_t> define_in_guest(Class c, ir::Ref value);
  uint32_t fresh(Class c);
  void lock(Class c, uint32_t reg) { locked_[index(c)] |= 1u << reg; }
  bool is_locked(Class c, uint32_t reg) const { return (locked_[index(c)] >> reg & 1) != 0; }
  /// Makes `reg` free; what it has and is still needed goes elsewhere.
  void evict(Class c, uint32_t reg);
  void put(Class c, uint32_t reg, ir::Ref value);
  void copy(Class c, uint32_t to, ir::Ref value);
  bool has_other_place(Class c, ir::Ref value) const;
  void spill(Class c, uint32_t reg, ir::Ref value);
  /// The guest register is about to be overwritten: if its value is still needed it goes elsewhere.
  void save_from_guest(Class c, uint8_t guest);
  int pinned(Class c, uint8_t guest) const { return pinned_[index(c)][guest]; }
  bool is_constant(ir::Ref value) const { return (*block_)[value].op == ir::Op::constant; }

  asmjit::x86::Assembler& a_;
  const Layout& layout_;
  const ir::Block* block_ = nullptr;
  ir::Ref now_ = 0;
  std::vector<ir::Ref> last_use_;
  std::vector<uint16_t> uses_;
  std::vector<Where> where_;
  std::array<std::array<ir::Ref, 16>, 2> owner_{};
  std::array<std::array<ir::Ref, kGuestRegisters>, 2> guest_{};
  std::array<std::array<int8_t, kGuestRegisters>, 2> pinned_{};
  std::array<uint32_t, 2> locked_{};
  uint64_t free_slots_ = 0;
  bool moves_nothing_ = false;
};

}  // namespace emu::jit::x64
