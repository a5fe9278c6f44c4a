#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"

/// mcycle and minstret count retired instructions: one a cycle. While a CSR instruction runs, HartState::retired does
/// not count it yet. An inhibited counter's offset is its value.
namespace emu::riscv::csr {
namespace {

uint64_t read_counter(const HartState& state, uint64_t inhibit, int64_t offset) noexcept {
  const bool inhibited = (state.csr.mcountinhibit & inhibit) != 0;
  return static_cast<uint64_t>(offset) + (inhibited ? 0 : state.retired);
}

/// The instruction after the write reads just `value`: the writing instruction does not count (§3.1.11).
int64_t offset_for(const HartState& state, uint64_t inhibit, uint64_t value) noexcept {
  const bool inhibited = (state.csr.mcountinhibit & inhibit) != 0;
  return static_cast<int64_t>(inhibited ? value : value - (state.retired + 1));
}

/// The first of the user-level counters; number - this is the counter's bit in mcounteren and scounteren.
constexpr unsigned kFirstCounter = 0xc00;

}  // namespace

bool counter_open(const HartState& state, unsigned number) noexcept {
  const uint64_t bit = uint64_t{1} << (number - kFirstCounter);
  const bool machine_allows = state.privilege == Privilege::machine || (state.csr.mcounteren & bit) != 0;
  const bool supervisor_allows = state.privilege != Privilege::user || (state.csr.scounteren & bit) != 0;
  return machine_allows && supervisor_allows;
}

uint64_t read_cycle(HartState& state, unsigned) noexcept { return read_counter(state, kCycle, state.csr.cycle_offset); }
uint64_t read_instret(HartState& state, unsigned) noexcept {
  return read_counter(state, kInstret, state.csr.instret_offset);
}
uint64_t read_time(HartState& state, unsigned) noexcept { return state.hart->environment().clock.ticks(); }

void write_mcycle(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.cycle_offset = offset_for(state, kCycle, value);
}
void write_minstret(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.instret_offset = offset_for(state, kInstret, value);
}

uint64_t read_mcountinhibit(HartState& state, unsigned) noexcept { return state.csr.mcountinhibit; }
void write_mcountinhibit(HartState& state, unsigned number, uint64_t value) noexcept {
  const uint64_t cycle = read_cycle(state, number);
  const uint64_t instret = read_instret(state, number);
  const uint64_t before = state.csr.mcountinhibit;
  state.csr.mcountinhibit = value & (kCycle | kInstret);
  const uint64_t changed = before ^ state.csr.mcountinhibit;
  if ((changed & kCycle) != 0) write_mcycle(state, number, cycle);
  if ((changed & kInstret) != 0) write_minstret(state, number, instret);
}

bool stimecmp_open(const HartState& state, unsigned) noexcept {
  if (state.privilege == Privilege::machine) return true;
  return (state.csr.mcounteren & kTime) != 0 && (state.csr.menvcfg & envcfg::kStce) != 0;
}
uint64_t read_stimecmp(HartState& state, unsigned) noexcept { return state.csr.stimecmp; }
void write_stimecmp(HartState& state, unsigned, uint64_t value) noexcept {
  if ((state.csr.menvcfg & envcfg::kStce) != 0)
    state.hart->set_stimecmp(value);
  else
    state.csr.stimecmp = value;
}

}  // namespace emu::riscv::csr
