#pragma once

#include <cstdint>

#include "emu/riscv/pmp.h"
#include "emu/riscv/state.h"

namespace emu::riscv {

class Hart;

/// What went wrong on the way from a virtual to a physical address.
enum class Fault : uint8_t { none, page, access };

/// A translated page, or the fault.
struct Translation {
  uint64_t physical = 0;   ///< of the address asked for
  uint64_t leaf_size = 0;  ///< bytes that the page-table entry maps
  uint8_t permissions =
      0;  ///< what may be done in the mode asked for without another walk: writes only if the page is dirty already
  Fault fault = Fault::none;
};

/// Translates for an access of `privilege` (user or supervisor) with the present satp, mstatus.SUM and MXR: RISC-V
/// Privileged §12.3.2, Sv39, Sv48, Sv57, Svnapot, Svpbmt, Svade and Svadu. Sets A and D bits where menvcfg.ADUE says
/// so.
Translation walk(Hart& hart, uint64_t address, Access access, Privilege privilege) noexcept;

/// Cause of an exception.
Cause cause_of(Fault fault, Access access) noexcept;

}  // namespace emu::riscv
