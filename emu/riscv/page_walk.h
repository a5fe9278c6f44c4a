#pragma once

#include <cstdint>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/pmp.h"
#include "emu/riscv/state.h"

namespace emu::riscv {

class Hart;

/// What went wrong on the way from a virtual to a physical address.
enum class Fault : uint8_t { none, page, access };

/// What a page-table entry grants, whatever the mode: permission bits (write only if the page is dirty already, so that
/// no access that the entry grants needs another walk) and kUser.
namespace page_flag {
inline constexpr uint8_t kUser = 8;
}

/// A translated page, or the fault.
struct Translation {
  uint64_t physical = 0;    ///< of the address asked for
  uint64_t leaf_size = 0;   ///< bytes that the page-table entry maps
  uint8_t flags = 0;        ///< permission bits and page_flag
  uint8_t permissions = 0;  ///< what may be done in the mode asked for without another walk
  bool is_global = false;   ///< in all address spaces
  Fault fault = Fault::none;
};

/// What `flags` permit in U- or S-mode: by mstatus.SUM and MXR for data accesses; for fetches `mstatus` is 0.
inline uint8_t permitted(uint8_t flags, Privilege privilege, uint64_t mstatus) noexcept {
  const bool user_page = (flags & page_flag::kUser) != 0;
  uint8_t granted = flags & permission::kAll;
  if ((mstatus & csr::mstatus::kMxr) != 0 && (granted & permission::kExecute) != 0) granted |= permission::kRead;
  if (privilege != Privilege::supervisor) return user_page ? granted : uint8_t{0};
  if (!user_page) return granted;
  // A supervisor reaches the user's pages with SUM only, and never executes them.
  return (mstatus & csr::mstatus::kSum) != 0 ? static_cast<uint8_t>(granted & ~permission::kExecute) : uint8_t{0};
}

/// Translates for an access of `privilege` (user or supervisor) with the present satp, mstatus.SUM and MXR: RISC-V
/// Privileged §12.3.2, Sv39, Sv48, Sv57, Svnapot, Svpbmt, Svade and Svadu. Sets A and D bits where menvcfg.ADUE says
/// so.
Translation walk(Hart& hart, uint64_t address, Access access, Privilege privilege) noexcept;

/// Cause of an exception.
Cause cause_of(Fault fault, Access access) noexcept;

}  // namespace emu::riscv
