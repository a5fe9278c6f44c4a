#include "emu/riscv/csr/table.h"
#include "emu/riscv/helpers.h"

/// The CSR instructions: Unprivileged chapter 6 (Zicsr).
namespace emu::riscv {
namespace {

enum class Update { write, set, clear };

/// `writes`: the instruction writes the register, whatever the value.
void access(HartState& state, const Insn& insn, Update update, uint64_t operand, bool writes) noexcept {
  const auto number = static_cast<unsigned>(insn.imm) & 0xfff;
  const csr::Register* const reg = csr::find(number);
  const bool is_read_only = number >> 10 == 3;
  const bool is_privileged_enough = static_cast<unsigned>(state.privilege) >= (number >> 8 & 3);
  if (reg == nullptr || (writes && is_read_only) || !is_privileged_enough || !reg->guard(state, number)) {
    return raise_illegal(state, insn);
  }
  const uint64_t old = reg->read(state, number);
  if (writes) {
    const uint64_t base = csr::base_of_update(state, number, old);
    switch (update) {
      case Update::write:
        reg->write(state, number, operand);
        break;
      case Update::set:
        reg->write(state, number, base | operand);
        break;
      case Update::clear:
        reg->write(state, number, base & ~operand);
        break;
    }
  }
  state.x[insn.rd] = old;
  state.pc += insn.length;
}

/// Setting and clearing with x0 or 0 does not write.
bool has_operand(const Insn& insn) noexcept { return insn.rs1 != 0; }

}  // namespace

void csrrw(HartState& state, const Insn& insn) noexcept { access(state, insn, Update::write, state.x[insn.rs1], true); }
void csrrs(HartState& state, const Insn& insn) noexcept {
  access(state, insn, Update::set, state.x[insn.rs1], has_operand(insn));
}
void csrrc(HartState& state, const Insn& insn) noexcept {
  access(state, insn, Update::clear, state.x[insn.rs1], has_operand(insn));
}
void csrrwi(HartState& state, const Insn& insn) noexcept { access(state, insn, Update::write, insn.rs1, true); }
void csrrsi(HartState& state, const Insn& insn) noexcept {
  access(state, insn, Update::set, insn.rs1, has_operand(insn));
}
void csrrci(HartState& state, const Insn& insn) noexcept {
  access(state, insn, Update::clear, insn.rs1, has_operand(insn));
}

}  // namespace emu::riscv
