#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/page_walk.h"

/// Which inline TLB a hart uses, and what is forgotten when.
namespace emu::riscv {
namespace {

/// The tables of S-mode, and of accesses with mstatus.MXR, which makes executable pages readable.
enum SharedTable : size_t { kSupervisor, kSupervisorWithUser, kExecutableReadable };

/// Which pages generated code may take from the second level by itself, as `permitted` says: not with MXR, which makes
/// executable pages readable, and not in M-mode, whose addresses are physical.
emu::jit::Refill refill_for(Privilege privilege, uint64_t status) noexcept {
  if (privilege == Privilege::machine || (status & csr::mstatus::kMxr) != 0) return {};
  if (privilege == Privilege::user) return {.mask = page_flag::kUser, .wanted = page_flag::kUser};
  const bool sees_user_pages = (status & csr::mstatus::kSum) != 0;
  return {.mask = sees_user_pages ? uint32_t{0} : page_flag::kUser, .wanted = 0};
}

}  // namespace

/// The other modes have tables of their own even while satp is off, because physical memory protection treats them
/// differently. Fetches do not look at SUM and MXR.
mmu::Tlb& Hart::table_of(Privilege privilege, bool is_fetch) noexcept {
  const uint64_t status = state_->csr.mstatus;
  if (privilege == Privilege::machine) return machine_table_;
  if (!is_fetch && (status & csr::mstatus::kMxr) != 0) {
    // Firmware sets MXR for an instruction or two: its table is for one stay.
    mmu::Tlb& table = spaces_.shared(kExecutableReadable);
    table.flush();
    return table;
  }
  if (privilege == Privilege::user) return spaces_.own();
  const bool sees_user_pages = !is_fetch && (status & csr::mstatus::kSum) != 0;
  return spaces_.shared(sees_user_pages ? kSupervisorWithUser : kSupervisor);
}

void Hart::update_contexts() noexcept {
  HartState& state = *state_;
  const uint64_t status = state.csr.mstatus;
  const bool modifies = state.privilege == Privilege::machine && (status & csr::mstatus::kMprv) != 0;
  const Privilege data =
      modifies ? static_cast<Privilege>((status & csr::mstatus::kMpp) >> csr::mstatus::kMppShift) : state.privilege;
  data_table_ = &table_of(data, false);
  fetch_table_ = &table_of(state.privilege, true);
  if (state.privilege == Privilege::user && data_table_ != window_table_) {
    if (window_table_ != nullptr) window_table_->show_through(nullptr);
    state.jit.windows.close();
    window_table_ = data_table_;
    window_table_->show_through(&state.jit.windows);
  }
  state.data_tlb = data_table_->entries();
  state.fetch_tlb = fetch_table_->entries();
  state.jit.refill = refill_for(data, status);
  state.jit.refill.second_level = &spaces_.second_level();
  state.jit.refill.journal = &data_table_->journal();
  state.fp_enabled = (status & csr::mstatus::kFs) != 0;
  state.zero_enabled = (state.privilege == Privilege::machine || (state.csr.menvcfg & csr::envcfg::kCbze) != 0) &&
                       (state.privilege != Privilege::user || (state.csr.senvcfg & csr::envcfg::kCbze) != 0);
}

void Hart::enter_address_space() noexcept {
  const uint64_t satp = state_->csr.satp;
  const auto mode = csr::satp::mode(satp);
  const uint32_t asid = mode == csr::satp::Mode::bare ? mmu::AddressSpaces::kNoAsid : csr::satp::asid(satp);
  spaces_.enter(asid, satp & ~csr::satp::kAsid, static_cast<unsigned>(mode));
  update_contexts();
}

// RISC-V Privileged §12.2.1.
void Hart::fence(const TranslationFence& fence) noexcept {
  const bool all_addresses = fence.range.pages() > mmu::AddressSpaces::kMostPages;
  const bool all_spaces = fence.asid == TranslationFence::kAllSpaces;
  if (all_addresses && all_spaces) return spaces_.flush();
  if (all_addresses) return spaces_.flush_asid(fence.asid);
  if (all_spaces) return spaces_.flush(fence.range);
  spaces_.flush_asid(fence.range, fence.asid);
}

void Hart::drop_writes() noexcept {
  machine_table_.drop_writes();
  spaces_.drop_writes(permission::kWrite);
}

void Hart::forget_jumps() noexcept {
  machine_table_.forget_jumps();
  spaces_.forget_jumps();
}

void Hart::flush_all() noexcept {
  machine_table_.flush();
  spaces_.flush();
  enter_address_space();
}

}  // namespace emu::riscv
