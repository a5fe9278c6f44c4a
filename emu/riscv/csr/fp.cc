#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/csr/bits.h"

namespace emu::riscv::csr {
namespace {

constexpr unsigned kFrmShift = 5;  // in fcsr

}  // namespace

bool fp_on(const HartState& state, unsigned) noexcept { return (state.csr.mstatus & mstatus::kFs) != 0; }

uint64_t read_fflags(HartState& state, unsigned) noexcept { return fp::read_flags(state.fp); }
void write_fflags(HartState& state, unsigned, uint64_t value) noexcept {
  fp::write_flags(state.fp, static_cast<uint8_t>(value & 0x1f));
  state.fp_dirty = true;
}

uint64_t read_frm(HartState& state, unsigned) noexcept { return state.fp.frm; }
void write_frm(HartState& state, unsigned, uint64_t value) noexcept {
  fp::write_frm(state.fp, static_cast<uint8_t>(value & 7));
  state.fp_dirty = true;
}

uint64_t read_fcsr(HartState& state, unsigned number) noexcept {
  return read_frm(state, number) << kFrmShift | read_fflags(state, number);
}
void write_fcsr(HartState& state, unsigned number, uint64_t value) noexcept {
  write_fflags(state, number, value);
  write_frm(state, number, value >> kFrmShift);
}

}  // namespace emu::riscv::csr
