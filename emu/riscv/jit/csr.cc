#include "emu/riscv/jit/csr.h"

#include <array>

namespace emu::riscv::jit {
namespace {

/// Counters are read as of this instruction.
template <Helper helper>
void in_block(HartState& state, const Insn& insn) noexcept {
  state.retired += insn.index;
  helper(state, insn);
  state.retired -= insn.index;
}

struct Form {
  Helper helper;
  Helper in_block;
  bool always_writes;
};
constexpr std::array<Form, 6> kForms = {{
    {csrrw, in_block<csrrw>, true},
    {csrrs, in_block<csrrs>, false},
    {csrrc, in_block<csrrc>, false},
    {csrrwi, in_block<csrrwi>, true},
    {csrrsi, in_block<csrrsi>, false},
    {csrrci, in_block<csrrci>, false},
}};

/// Registers that do nothing but hold what is written.
bool only_holds(unsigned number) noexcept {
  constexpr unsigned kFflags = 0x001;
  constexpr unsigned kSscratch = 0x140;
  constexpr unsigned kStval = 0x143;
  constexpr unsigned kMscratch = 0x340;
  constexpr unsigned kMtval = 0x343;
  return number == kFflags || (number >= kSscratch && number <= kStval) || (number >= kMscratch && number <= kMtval);
}

}  // namespace

Helper csr_access_in_block(Helper helper, const Insn& insn) noexcept {
  for (const Form& form : kForms) {
    if (form.helper != helper) continue;
    const bool writes = form.always_writes || insn.rs1 != 0;
    return !writes || only_holds(static_cast<unsigned>(insn.imm) & 0xfff) ? form.in_block : nullptr;
  }
  return nullptr;
}

}  // namespace emu::riscv::jit
