#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "emu/fp/env.h"
#include "emu/jit/scratch.h"
#include "emu/mmu/tlb.h"

namespace emu::interp {
class BlockCache;
struct Block;
}  // namespace emu::interp

namespace emu::riscv {

class Hart;

namespace jit {
class Runner;
}

/// Privilege levels, RISC-V Privileged §1.2.
enum class Privilege : uint8_t { user = 0, supervisor = 1, machine = 3 };

/// Synchronous exception codes, RISC-V Privileged §3.1.15 (mcause).
enum class Cause : uint8_t {
  instruction_misaligned = 0,
  instruction_access = 1,
  illegal_instruction = 2,
  breakpoint = 3,
  load_misaligned = 4,
  load_access = 5,
  store_misaligned = 6,
  store_access = 7,
  ecall_user = 8,
  ecall_supervisor = 9,
  ecall_machine = 11,
  instruction_page_fault = 12,
  load_page_fault = 13,
  store_page_fault = 15,
  software_check = 18,
};

/// What a hart must look at before it enters another block. Set by any thread, cleared by the hart.
namespace pending {
inline constexpr uint32_t kInterrupt = 1u << 0;    ///< an interrupt may be deliverable: mip, mie or mstatus changed
inline constexpr uint32_t kExit = 1u << 1;         ///< request_exit()
inline constexpr uint32_t kRemoteFence = 1u << 2;  ///< another hart asks for fence.i, sfence.vma
inline constexpr uint32_t kStop = 1u << 3;         ///< the hart stopped itself
}  // namespace pending

/// Control and status registers that have storage; the names are the specification's. Views (sstatus, sip, ...) and
/// read-only constants have none. RISC-V Privileged 1.13.
struct CsrState {
  uint64_t mstatus = 0;
  uint64_t misa = 0;
  uint64_t medeleg = 0;
  uint64_t mideleg = 0;
  uint64_t mie = 0;
  uint64_t mtvec = 0;
  uint64_t mcounteren = 0;
  uint64_t menvcfg = 0;
  uint64_t mcountinhibit = 0;
  uint64_t mscratch = 0;
  uint64_t mepc = 0;
  uint64_t mcause = 0;
  uint64_t mtval = 0;
  uint64_t mseccfg = 0;
  std::array<uint64_t, 4> mstateen{};
  std::array<uint64_t, 4> sstateen{};
  uint64_t stvec = 0;
  uint64_t scounteren = 0;
  uint64_t senvcfg = 0;
  uint64_t sscratch = 0;
  uint64_t sepc = 0;
  uint64_t scause = 0;
  uint64_t stval = 0;
  uint64_t stimecmp = ~uint64_t{0};
  uint64_t satp = 0;
  std::array<uint8_t, 16> pmpcfg{};
  std::array<uint64_t, 16> pmpaddr{};
  int64_t cycle_offset = 0;    ///< mcycle = retired + cycle_offset
  int64_t instret_offset = 0;  ///< minstret = retired + instret_offset

  bool operator==(const CsrState&) const = default;
};

/// All that a hart's instructions read and write. Standard layout: handlers and generated code address it by offset.
/// Owned by the hart's thread, except `pending` and `mip_lines`.
struct HartState {
  static constexpr unsigned kSink = 32;  ///< writes to x0 go to x[kSink]

  std::array<uint64_t, 33> x{};
  uint64_t pc_page = 0;                       ///< virtual address of the page that the current block lies in
  mmu::TlbEntry* data_tlb = nullptr;          ///< inline TLB for loads and stores in the present mode
  mmu::TlbEntry* fetch_tlb = nullptr;         ///< inline TLB for instruction fetches in the present mode
  emu::interp::Block* block = nullptr;        ///< the block being executed
  emu::interp::BlockCache* blocks = nullptr;  ///< the interpreter's
  uint64_t code_epoch = 1;                    ///< CodePages::epoch() at the last fence.i: older blocks may be stale
  std::atomic<uint32_t> pending{0};
  uint64_t retired = 0;          ///< instructions retired before the current block
  std::array<uint64_t, 32> f{};  ///< narrower values are NaN-boxed
  fp::Env fp;                    ///< frm and fflags
  uint64_t pc = 0;  ///< exact between blocks and whenever a helper is called; else pc_page + Insn::pc_offset
  Privilege privilege = Privilege::machine;
  bool fp_enabled = false;    ///< mstatus.FS is not Off
  bool zero_enabled = false;  ///< the present mode may execute cbo.zero
  bool fp_dirty = false;      ///< an instruction wrote floating-point state: FS reads as Dirty
  bool trapped = false;       ///< the current instruction raised an exception: it must have no effect

  /// LR reservation: a store-conditional succeeds if the location still holds `value` (so ABA is accepted).
  uintptr_t reservation_host = 0;  ///< host address, 0 for none
  uint64_t reservation_value = 0;

  CsrState csr;
  /// Interrupt inputs as wired plus the software-writable bits of mip, by mip bit number.
  std::atomic<uint64_t> mip{0};

  jit::Runner* runner = nullptr;  ///< nullptr: everything is interpreted
  emu::jit::Scratch jit;          ///< of generated code

  Hart* hart = nullptr;  ///< the hart this is the state of

  uint64_t pc_of(uint16_t offset) const noexcept { return pc_page + offset; }
};

}  // namespace emu::riscv
