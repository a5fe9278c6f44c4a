#include "emu/riscv/csr/accessors.h"
#include "emu/riscv/hart.h"
#include "hv/base/bits.h"

namespace emu::riscv::csr {
namespace {

constexpr unsigned kFirstConfig = 0x3a0;
constexpr unsigned kFirstAddress = 0x3b0;
constexpr unsigned kConfigsPerRegister = 8;
constexpr uint8_t kLocked = 0x80;
constexpr uint8_t kModeMask = 0x18;
constexpr uint8_t kTopOfRange = 0x08;
constexpr uint8_t kWritable = 0x9f;
constexpr uint64_t kAddressMask = (uint64_t{1} << 54) - 1;

/// pmpcfg0 holds entries 0 to 7; in RV64 the odd-numbered registers do not exist.
size_t first_entry(unsigned number) noexcept { return size_t{number - kFirstConfig} * (kConfigsPerRegister / 2); }

void changed(HartState& state) noexcept {
  state.hart->pmp().update(state.csr);
  state.hart->flush_all();
  // Code that was decoded may run across a boundary that is there now.
  state.hart->look_at_code_again();
}

}  // namespace

uint64_t read_pmpcfg(HartState& state, unsigned number) noexcept {
  uint64_t value = 0;
  for (unsigned i = 0; i < kConfigsPerRegister; ++i)
    value |= uint64_t{state.csr.pmpcfg[first_entry(number) + i]} << (8 * i);
  return value;
}

void write_pmpcfg(HartState& state, unsigned number, uint64_t value) noexcept {
  for (unsigned i = 0; i < kConfigsPerRegister; ++i) {
    uint8_t& config = state.csr.pmpcfg[first_entry(number) + i];
    const auto wanted = static_cast<uint8_t>(value >> (8 * i) & kWritable);
    const bool writes_without_reading =
        (wanted & (permission::kRead | permission::kWrite)) == permission::kWrite;  // reserved
    if ((config & kLocked) == 0 && !writes_without_reading) config = wanted;
  }
  changed(state);
}

uint64_t read_pmpaddr(HartState& state, unsigned number) noexcept { return state.csr.pmpaddr[number - kFirstAddress]; }

void write_pmpaddr(HartState& state, unsigned number, uint64_t value) noexcept {
  const size_t entry = number - kFirstAddress;
  const auto& configs = state.csr.pmpcfg;
  if ((configs[entry] & kLocked) != 0) return;
  // A locked range locks the address below it, which is its bottom.
  const bool is_locked_bottom = entry + 1 < configs.size() && (configs[entry + 1] & kLocked) != 0 &&
                                (configs[entry + 1] & kModeMask) == kTopOfRange;
  if (is_locked_bottom) return;
  state.csr.pmpaddr[entry] = value & kAddressMask;
  changed(state);
}

}  // namespace emu::riscv::csr
