#pragma once

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/helpers.h"
#include "tests/unit/emu/riscv/board.h"

/// What the tests of the privileged architecture say: registers by number, page tables by mapping.
namespace emu::riscv::test {

inline constexpr uint8_t kRd = 10;
inline constexpr uint8_t kRs1 = 11;

inline Insn csr_insn(unsigned number, uint8_t rd = kRd, uint8_t rs1 = kRs1) {
  return {.imm = static_cast<int32_t>(number), .raw = number << 20, .rd = rd, .rs1 = rs1, .length = 4};
}

/// csrrw; returns what was there. `state.trapped` tells whether it was allowed.
inline uint64_t write_csr(HartState& state, unsigned number, uint64_t value) {
  state.trapped = false;
  state.x[kRs1] = value;
  csrrw(state, csr_insn(number));
  return state.x[kRd];
}
inline void set_csr(HartState& state, unsigned number, uint64_t value) {
  state.trapped = false;
  state.x[kRs1] = value;
  csrrs(state, csr_insn(number));
}
/// csrrs with x0.
inline uint64_t read_csr(HartState& state, unsigned number) {
  state.trapped = false;
  csrrs(state, csr_insn(number, kRd, 0));
  return state.x[kRd];
}
inline bool can_read(HartState& state, unsigned number) {
  const Privilege before = state.privilege;
  read_csr(state, number);
  const bool allowed = !state.trapped;
  state.privilege = before;
  return allowed;
}

namespace leaf {
inline constexpr uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kU = 16, kA = 64, kD = 128;
inline constexpr uint64_t kAll = kV | kR | kW | kX | kA | kD;
inline constexpr uint64_t kNapot = uint64_t{1} << 63;
inline constexpr uint64_t kNonCacheable = uint64_t{1} << 61;
}  // namespace leaf

inline uint64_t pte_of(uint64_t physical, uint64_t flags) { return physical >> 12 << 10 | flags; }

/// A board whose hart is in S-mode with physical memory open to it, and a page table under construction.
class PagedBoard : public Board {
 public:
  static constexpr uint64_t kRoot = kRam + 0x10'0000;
  static constexpr uint64_t kPage = 0x3000;  ///< the virtual address that `map_page` maps

  explicit PagedBoard(csr::satp::Mode mode = csr::satp::Mode::sv39, size_t harts = 1,
                      Firmware firmware = Firmware::guest, const EngineConfig& engine = default_engine())
      : Board(harts, firmware, nullptr, engine), mode_(mode) {
    enter(Privilege::machine);
    write_csr(state(), 0x3b0, ~uint64_t{0});
    write_csr(state(), 0x3a0, 0x1f);
    write_csr(state(), 0x302, csr::kDelegableExceptions);
    write_csr(state(), 0x305, kRam);
    enter(Privilege::supervisor);
    state().csr.satp = static_cast<uint64_t>(mode) << csr::satp::kModeShift | kRoot >> 12;
    hart().flush_all();
  }

  void enter(Privilege privilege) {
    state().privilege = privilege;
    hart().update_contexts();
  }

  /// Maps virtual `address` by a leaf at `level` (0: 4 KiB) and returns where the leaf lies.
  uint64_t map(uint64_t address, uint64_t entry, unsigned level = 0) {
    uint64_t table = kRoot;
    for (unsigned l = levels() - 1; l > level; --l) {
      const uint64_t slot = table + index(address, l) * 8;
      if ((get64(slot) & leaf::kV) == 0) put64(slot, pte_of(next_table_ += 0x1000, leaf::kV));
      table = get64(slot) >> 10 << 12;
    }
    const uint64_t slot = table + index(address, level) * 8;
    put64(slot, entry);
    return slot;
  }
  uint64_t map_page(uint64_t flags) { return map(kPage, pte_of(kTarget, flags)); }

  /// The exception that a load, a store or a fetch raises; none: -1. The hart is back in its mode afterwards.
  int cause(Access access, uint64_t address = kPage) {
    const CsrState csr = state().csr;
    const Privilege privilege = state().privilege;
    state().trapped = false;
    switch (access) {
      case Access::load:
        load_slow(state(), address, 8);
        break;
      case Access::store:
        store_slow(state(), address, 8, 0);
        break;
      case Access::fetch:
        fetch_slow(state(), address);
        break;
    }
    const bool in_machine = state().privilege == Privilege::machine;
    const int raised = !state().trapped ? -1 : static_cast<int>(in_machine ? state().csr.mcause : state().csr.scause);
    fault_address = in_machine ? state().csr.mtval : state().csr.stval;
    state().csr = csr;
    enter(privilege);
    return raised;
  }

  unsigned levels() const { return static_cast<unsigned>(mode_) - 5; }
  static uint64_t index(uint64_t address, unsigned level) { return address >> (12 + 9 * level) & 511; }

  static constexpr uint64_t kTarget = kRam + 0x40'0000;
  uint64_t fault_address = 0;

 private:
  csr::satp::Mode mode_;
  uint64_t next_table_ = kRoot;
};

}  // namespace emu::riscv::test
