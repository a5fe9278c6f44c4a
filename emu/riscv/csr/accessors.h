#pragma once

#include <cstdint>

#include "emu/riscv/state.h"

/// What the rows of csr.def name. `number` is the register's. A read has no side effects. A write applies the WARL
/// rules of the register and makes it effective at once. Guards say whether the present mode may access the register at
/// all, beyond what its number tells.
namespace emu::riscv::csr {

using Guard = bool (*)(const HartState& state, unsigned number) noexcept;
using Read = uint64_t (*)(HartState& state, unsigned number) noexcept;
using Write = void (*)(HartState& state, unsigned number, uint64_t value) noexcept;

inline bool always(const HartState&, unsigned) noexcept { return true; }
bool fp_on(const HartState& state, unsigned number) noexcept;
bool counter_open(const HartState& state, unsigned number) noexcept;
bool envcfg_open(const HartState& state, unsigned number) noexcept;
bool stateen_open(const HartState& state, unsigned number) noexcept;
bool stimecmp_open(const HartState& state, unsigned number) noexcept;
bool satp_open(const HartState& state, unsigned number) noexcept;

inline void no_write(HartState&, unsigned, uint64_t) noexcept {}

#define CSR_READER(name) uint64_t read_##name(HartState& state, unsigned number) noexcept;
#define CSR_WRITER(name) void write_##name(HartState& state, unsigned number, uint64_t value) noexcept;
#define CSR_READER_AND_WRITER(name) CSR_READER(name) CSR_WRITER(name)

// fp.cc
CSR_READER_AND_WRITER(fflags)
CSR_READER_AND_WRITER(frm)
CSR_READER_AND_WRITER(fcsr)
// counters.cc
CSR_READER(cycle)
CSR_READER(instret)
CSR_READER(time)
CSR_WRITER(mcycle)
CSR_WRITER(minstret)
CSR_READER_AND_WRITER(mcountinhibit)
CSR_READER_AND_WRITER(stimecmp)
// status.cc
CSR_READER_AND_WRITER(mstatus)
CSR_READER_AND_WRITER(sstatus)
CSR_READER_AND_WRITER(satp)
CSR_READER_AND_WRITER(menvcfg)
CSR_READER_AND_WRITER(senvcfg)
CSR_READER_AND_WRITER(mstateen0)
CSR_READER_AND_WRITER(mtvec)
CSR_READER_AND_WRITER(stvec)
CSR_READER(mhartid)
// interrupt_registers.cc
CSR_READER_AND_WRITER(mip)
CSR_READER_AND_WRITER(mie)
CSR_READER_AND_WRITER(mideleg)
CSR_READER_AND_WRITER(sip)
CSR_READER_AND_WRITER(sie)
// pmp_registers.cc
CSR_READER_AND_WRITER(pmpcfg)
CSR_READER_AND_WRITER(pmpaddr)

/// What setting and clearing bits of a register starts from: `old`, as it was read, but for mip the bit of SEIP that
/// software wrote, without the wire (§3.1.9).
uint64_t base_of_update(const HartState& state, unsigned number, uint64_t old) noexcept;

#undef CSR_READER
#undef CSR_WRITER
#undef CSR_READER_AND_WRITER

}  // namespace emu::riscv::csr
