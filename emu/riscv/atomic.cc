#include <cstddef>
#include <cstdint>

#include "emu/riscv/helpers.h"

namespace emu::riscv {
namespace {

struct Pair {
  uint64_t low;
  uint64_t high;
};

/// Stores `desired` at `host` (16-byte aligned) if `expected` is there. Returns what was there.
Pair compare_and_swap_pair(std::byte* host, Pair expected, Pair desired) noexcept {
#if defined(__x86_64__)
  asm volatile("lock cmpxchg16b %0"
               : "+m"(*reinterpret_cast<Pair*>(host)), "+a"(expected.low), "+d"(expected.high)
               : "b"(desired.low), "c"(desired.high)
               : "cc", "memory");
  return expected;
#else
  Pair found = expected;
  __atomic_compare_exchange(reinterpret_cast<Pair*>(host), &found, &desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return found;
#endif
}

/// A pair of registers; the pair x0 reads as zero.
Pair read_pair(const HartState& state, unsigned number) noexcept {
  return number == 0 ? Pair{0, 0} : Pair{state.x[number], state.x[number + 1]};
}

}  // namespace

void amocas_q(HartState& state, const Insn& insn) noexcept {
  std::byte* const host = atomic_address(state, state.x[insn.rs1], sizeof(Pair), true);
  if (host == nullptr) return;
  const unsigned rd = insn.raw >> 7 & 31;
  const Pair found = compare_and_swap_pair(host, read_pair(state, rd), read_pair(state, insn.rs2));
  if (rd == 0) return;  // Zacas: a destination pair x0 discards both halves
  state.x[rd] = found.low;
  state.x[rd + 1] = found.high;
}

}  // namespace emu::riscv
