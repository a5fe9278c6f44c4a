#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/riscv/state.h"

namespace emu::riscv {

/// What an access does.
enum class Access : uint8_t { load, store, fetch };

/// Permissions as in pmpcfg and PTEs, from bit 0: read, write, execute.
namespace permission {
inline constexpr uint8_t kRead = 1;
inline constexpr uint8_t kWrite = 2;
inline constexpr uint8_t kExecute = 4;
inline constexpr uint8_t kAll = 7;
inline constexpr uint8_t of(Access access) {
  return access == Access::load ? kRead : access == Access::store ? kWrite : kExecute;
}
}  // namespace permission

/// Physical memory protection, RISC-V Privileged §3.7, with 16 entries and a granularity of 4 bytes: pmpcfg and pmpaddr
/// as ranges, so that an access is checked by comparisons. Owned by the hart's thread.
class Pmp {
 public:
  static constexpr size_t kEntries = 16;

  /// Takes over the registers after they were written.
  void update(const CsrState& csr) noexcept;

  struct Verdict {
    uint8_t allowed = 0;   ///< permission bits
    bool uniform = false;  ///< the same holds for all of the range: no entry covers a part of it only
  };
  /// What `privilege` may do with [address, address + size). A range that an entry covers in part may do nothing.
  Verdict check(uint64_t address, uint64_t size, Privilege privilege) const noexcept;

 private:
  struct Entry {
    uint64_t first = 0;
    uint64_t last = 0;  ///< inclusive
    uint8_t permissions = 0;
    bool locked = false;
  };
  std::array<Entry, kEntries> entries_{};  ///< those that are on, in order of priority
  size_t count_ = 0;
};

}  // namespace emu::riscv
