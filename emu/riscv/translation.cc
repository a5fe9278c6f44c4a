#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"

/// Which inline TLB a hart uses, and what is forgotten when.
namespace emu::riscv {
namespace {

/// M-mode accesses physical addresses; the other modes have tables of their own even while satp is off, because
/// physical memory protection treats them differently.
TlbContext context_of(Privilege privilege, uint64_t mstatus) noexcept {
  switch (privilege) {
    case Privilege::user:
      return TlbContext::user;
    case Privilege::supervisor:
      return (mstatus & csr::mstatus::kSum) != 0 ? TlbContext::supervisor_sum : TlbContext::supervisor;
    case Privilege::machine:
      break;
  }
  return TlbContext::bare;
}

}  // namespace

void Hart::update_contexts() noexcept {
  HartState& state = *state_;
  const uint64_t status = state.csr.mstatus;
  const bool modifies = state.privilege == Privilege::machine && (status & csr::mstatus::kMprv) != 0;
  const Privilege data =
      modifies ? static_cast<Privilege>((status & csr::mstatus::kMpp) >> csr::mstatus::kMppShift) : state.privilege;
  data_context_ = context_of(data, status);
  fetch_context_ = context_of(state.privilege, status);
  state.data_tlb = tlb(data_context_).entries();
  state.fetch_tlb = tlb(fetch_context_).entries();
  state.fp_enabled = (status & csr::mstatus::kFs) != 0;
}

void Hart::flush_translations() noexcept {
  for (const TlbContext context : {TlbContext::user, TlbContext::supervisor, TlbContext::supervisor_sum})
    tlb(context).flush();
}

void Hart::flush_translation(uint64_t address) noexcept {
  for (const TlbContext context : {TlbContext::user, TlbContext::supervisor, TlbContext::supervisor_sum}) {
    tlb(context).flush_page(address);
  }
}

void Hart::flush_all() noexcept {
  for (mmu::Tlb& table : tlbs_) table.flush();
}

}  // namespace emu::riscv
