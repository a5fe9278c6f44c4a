#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/csr/bits.h"
#include "emu/riscv/interrupts.h"
#include "hv/base/bits.h"

namespace emu::riscv::csr {
namespace {

/// Replaces the bits of `mask` in mip; devices change the others meanwhile.
void write_mip_bits(HartState& state, uint64_t mask, uint64_t value) noexcept {
  uint64_t before = state.mip.load();
  while (!state.mip.compare_exchange_weak(before, hv::with_bits(before, mask, value))) {
  }
  interrupts_changed(state);
}

}  // namespace

uint64_t read_mip(HartState& state, unsigned) noexcept { return interrupt::effective(state.mip.load()); }
void write_mip(HartState& state, unsigned, uint64_t value) noexcept {
  const bool comparator = (state.csr.menvcfg & envcfg::kStce) != 0;
  const uint64_t mask = interrupt::kSsip | interrupt::kSoftwareSeip | (comparator ? 0 : interrupt::kStip);
  const uint64_t software_seip = (value & interrupt::kSeip) << interrupt::kSoftwareSeipShift;
  write_mip_bits(state, mask, (value & ~interrupt::kSoftwareSeip) | software_seip);
}

uint64_t base_of_update(const HartState& state, unsigned number, uint64_t old) noexcept {
  constexpr unsigned kMip = 0x344;
  if (number != kMip) return old;
  return hv::with_bits(old, interrupt::kSeip, state.mip.load() >> interrupt::kSoftwareSeipShift);
}

uint64_t read_mie(HartState& state, unsigned) noexcept { return state.csr.mie; }
void write_mie(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.mie = value & interrupt::kAll;
  interrupts_changed(state);
}

uint64_t read_mideleg(HartState& state, unsigned) noexcept { return state.csr.mideleg; }
void write_mideleg(HartState& state, unsigned, uint64_t value) noexcept {
  state.csr.mideleg = value & interrupt::kSupervisor;
  interrupts_changed(state);
}

// §12.1.3: sip and sie show the interrupts that are delegated; of sip, software writes SSIP.
uint64_t read_sip(HartState& state, unsigned number) noexcept { return read_mip(state, number) & state.csr.mideleg; }
void write_sip(HartState& state, unsigned, uint64_t value) noexcept {
  write_mip_bits(state, interrupt::kSsip & state.csr.mideleg, value);
}
uint64_t read_sie(HartState& state, unsigned) noexcept { return state.csr.mie & state.csr.mideleg; }
void write_sie(HartState& state, unsigned number, uint64_t value) noexcept {
  write_mie(state, number, hv::with_bits(state.csr.mie, state.csr.mideleg, value));
}

}  // namespace emu::riscv::csr
