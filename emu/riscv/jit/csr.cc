#include "emu/riscv/jit/csr.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/csr/bits.h"
#include "hv/base/bits.h"

namespace emu::riscv::jit {
namespace {

/// Counters are read as of this instruction.
template <Helper helper>
void in_block(HartState& state, const Insn& insn) noexcept {
  state.retired += insn.index;
  helper(state, insn);
  state.retired -= insn.index;
}

using Operation = CsrForm::Operation;
constexpr std::array<CsrForm, 6> kForms = {{
    {csrrw, in_block<csrrw>, Operation::write, false},
    {csrrs, in_block<csrrs>, Operation::set, false},
    {csrrc, in_block<csrrc>, Operation::clear, false},
    {csrrwi, in_block<csrrwi>, Operation::write, true},
    {csrrsi, in_block<csrrsi>, Operation::set, true},
    {csrrci, in_block<csrrci>, Operation::clear, true},
}};

#define HELD(number, field, writable) \
  HeldCsr { number, static_cast<uint16_t>(offsetof(HartState, csr) + offsetof(CsrState, field)), writable }
constexpr std::array<HeldCsr, 4> kHeld = {{
    HELD(0x140, sscratch, ~uint64_t{0}),
    HELD(0x141, sepc, ~uint64_t{1}),
    HELD(0x142, scause, ~uint64_t{0}),
    HELD(0x143, stval, ~uint64_t{0}),
}};
#undef HELD

/// Registers that do nothing but hold what is written.
bool only_holds(unsigned number) noexcept {
  constexpr unsigned kFflags = 0x001;
  constexpr unsigned kMscratch = 0x340;
  constexpr unsigned kMtval = 0x343;
  return number == kFflags || held_csr(number) != nullptr || (number >= kMscratch && number <= kMtval);
}

uint64_t combined(Operation operation, uint64_t before, uint64_t operand) noexcept {
  switch (operation) {
    case Operation::write:
      return operand;
    case Operation::set:
      return before | operand;
    case Operation::clear:
      return before & ~operand;
  }
  return before;
}

}  // namespace

const uint64_t kPlainStatus = csr::mstatus::kSie | csr::mstatus::kSpie | csr::mstatus::kSpp;

const CsrForm* csr_form(Helper helper) noexcept {
  const auto found = std::ranges::find(kForms, helper, &CsrForm::helper);
  return found == kForms.end() ? nullptr : &*found;
}

const HeldCsr* held_csr(unsigned number) noexcept {
  const auto found = std::ranges::find(kHeld, number, &HeldCsr::number);
  return found == kHeld.end() ? nullptr : &*found;
}

Helper csr_access_in_block(const CsrForm& form, const Insn& insn) noexcept {
  return !form.writes(insn) || only_holds(csr_number(insn)) ? form.in_block : nullptr;
}

bool csr_has_ir(const Insn& insn) noexcept {
  return csr_number(insn) == kSstatus || held_csr(csr_number(insn)) != nullptr;
}

void access_csr_plainly(HartState& state, const CsrForm& form, const Insn& insn) noexcept {
  const uint64_t operand = form.is_immediate ? insn.rs1 : state.x[insn.rs1];
  if (const HeldCsr* const held = held_csr(csr_number(insn)); held != nullptr) {
    std::byte* const place = reinterpret_cast<std::byte*>(&state) + held->offset;
    uint64_t before;
    std::memcpy(&before, place, sizeof before);
    const uint64_t after = combined(form.operation, before, operand) & held->writable;
    if (form.writes(insn)) std::memcpy(place, &after, sizeof after);
    state.x[insn.rd] = before;
    return;
  }
  const uint64_t before = csr::read_sstatus(state, kSstatus);
  if (form.writes(insn)) {
    const uint64_t after = combined(form.operation, before, operand);
    state.csr.mstatus = hv::with_bits(state.csr.mstatus, kPlainStatus, after);
  }
  state.x[insn.rd] = before;
}

}  // namespace emu::riscv::jit
