#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/interrupts.h"
#include "hv/base/bits.h"

namespace emu::riscv::csr {
namespace {

/// xtvec: bits 1:0 are the mode, of which direct and vectored exist.
uint64_t legal_tvec(uint64_t before, uint64_t value) noexcept {
  return (value & 3) <= 1 ? value : hv::with_bits(before, ~uint64_t{3}, value);
}

/// Cache-block invalidation, CBIE: 2 is reserved.
uint64_t legal_envcfg(uint64_t before, uint64_t value, uint64_t writable) noexcept {
  const bool reserved = hv::bits(value, envcfg::kCbieShift, 2) == 2;
  return hv::with_bits(before, reserved ? writable & ~envcfg::kCbie : writable, value);
}

}  // namespace

uint64_t read_mstatus(HartState& state, unsigned) noexcept {
  uint64_t& status = state.csr.mstatus;
  if (state.fp_dirty && (status & mstatus::kFs) != 0) status |= mstatus::kFs;
  state.fp_dirty = false;
  return (status & mstatus::kFs) == mstatus::kFs ? status | mstatus::kSd : status;
}

void write_mstatus(HartState& state, unsigned number, uint64_t value) noexcept {
  const uint64_t before = read_mstatus(state, number);
  constexpr uint64_t kReservedMpp = uint64_t{2} << mstatus::kMppShift;
  uint64_t writable = mstatus::kWritable;
  if ((value & mstatus::kMpp) == kReservedMpp) writable &= ~mstatus::kMpp;
  state.csr.mstatus = hv::with_bits(before, writable, value) & ~mstatus::kSd;
  state.hart->update_contexts();
  interrupts_changed(state);
}

uint64_t read_sstatus(HartState& state, unsigned number) noexcept {
  return read_mstatus(state, number) & mstatus::kSupervisorVisible;
}
void write_sstatus(HartState& state, unsigned number, uint64_t value) noexcept {
  write_mstatus(state, number, hv::with_bits(read_mstatus(state, number), mstatus::kSupervisorWritable, value));
}

bool satp_open(const HartState& state, unsigned) noexcept {
  return state.privilege != Privilege::supervisor || (state.csr.mstatus & mstatus::kTvm) == 0;
}
uint64_t read_satp(HartState& state, unsigned) noexcept { return state.csr.satp; }
void write_satp(HartState& state, unsigned, uint64_t value) noexcept {
  // §12.1.11: a write with an unsupported mode has no effect.
  if (!satp::is_valid_mode(value) || value == state.csr.satp) return;
  state.csr.satp = value;
  state.hart->enter_address_space();
}

bool envcfg_open(const HartState& state, unsigned) noexcept {
  return state.privilege == Privilege::machine || (state.csr.mstateen[0] & stateen::kEnvcfg) != 0;
}
uint64_t read_menvcfg(HartState& state, unsigned) noexcept { return state.csr.menvcfg; }
void write_menvcfg(HartState& state, unsigned, uint64_t value) noexcept {
  const uint64_t before = state.csr.menvcfg;
  state.csr.menvcfg = legal_envcfg(before, value, envcfg::kMachineWritable);
  const uint64_t changed = before ^ state.csr.menvcfg;
  if ((changed & envcfg::kCbze) != 0) state.hart->update_contexts();
  if ((changed & (envcfg::kPbmte | envcfg::kAdue)) != 0) state.hart->flush_all();
  // Without STCE the comparator is off, and mip.STIP is M-mode's to write.
  if ((changed & envcfg::kStce) != 0) state.hart->enable_stimecmp((state.csr.menvcfg & envcfg::kStce) != 0);
}
uint64_t read_senvcfg(HartState& state, unsigned) noexcept { return state.csr.senvcfg; }
void write_senvcfg(HartState& state, unsigned, uint64_t value) noexcept {
  const uint64_t before = state.csr.senvcfg;
  state.csr.senvcfg = legal_envcfg(before, value, envcfg::kSupervisorWritable);
  if (((before ^ state.csr.senvcfg) & envcfg::kCbze) != 0) state.hart->update_contexts();
}

bool stateen_open(const HartState& state, unsigned number) noexcept {
  constexpr unsigned kFirst = 0x10c;
  return state.privilege == Privilege::machine ||
         (state.csr.mstateen[number - kFirst] & stateen::kSupervisorStateen) != 0;
}
uint64_t read_mstateen0(HartState& state, unsigned) noexcept { return state.csr.mstateen[0]; }
void write_mstateen0(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.mstateen[0] = value & (stateen::kEnvcfg | stateen::kSupervisorStateen);
}

uint64_t read_mtvec(HartState& state, unsigned) noexcept { return state.csr.mtvec; }
void write_mtvec(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.mtvec = legal_tvec(state.csr.mtvec, value);
}
uint64_t read_stvec(HartState& state, unsigned) noexcept { return state.csr.stvec; }
void write_stvec(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.stvec = legal_tvec(state.csr.stvec, value);
}

uint64_t read_mhartid(HartState& state, unsigned) noexcept { return state.hart->id(); }

}  // namespace emu::riscv::csr
