#include "emu/riscv/page_walk.h"

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "hv/base/bits.h"

namespace emu::riscv {
namespace {

// §12.4.1: page-table entries.
namespace pte {
constexpr uint64_t kValid = 1u << 0;
constexpr uint64_t kRead = 1u << 1;
constexpr uint64_t kWrite = 1u << 2;
constexpr uint64_t kExecute = 1u << 3;
constexpr uint64_t kUser = 1u << 4;
constexpr uint64_t kGlobal = 1u << 5;
constexpr uint64_t kAccessed = 1u << 6;
constexpr uint64_t kDirty = 1u << 7;
constexpr unsigned kPpnShift = 10;
constexpr unsigned kPpnBits = 44;
constexpr uint64_t kReserved = uint64_t{0x7f} << 54;
constexpr unsigned kPbmtShift = 61;
constexpr uint64_t kPbmt = uint64_t{3} << kPbmtShift;
constexpr uint64_t kNapot = uint64_t{1} << 63;
}  // namespace pte

constexpr unsigned kIndexBits = 9;
constexpr uint64_t kNapotPages = 16;  // the one size that Svnapot has: 64 KiB

unsigned levels_of(csr::satp::Mode mode) noexcept {
  return 3 + static_cast<unsigned>(mode) - static_cast<unsigned>(csr::satp::Mode::sv39);
}

/// One walk. Each step returns Fault::none to go on.
class Walk {
 public:
  Walk(Hart& hart, uint64_t address, Access access, Privilege privilege) noexcept
      : hart_(hart), csr_(hart.state().csr), address_(address), access_(access), privilege_(privilege) {}

  Translation run() noexcept {
    const auto mode = csr::satp::mode(csr_.satp);
    const unsigned levels = levels_of(mode);
    const unsigned width = hv::kGuestPageShift + kIndexBits * levels;
    if (static_cast<uint64_t>(hv::sign_extend(address_, width)) != address_) return {.fault = Fault::page};
    Fault fault = Fault::none;
    do {
      retry_ = false;
      fault = descend(levels);
      if (fault == Fault::none) fault = finish_leaf();
    } while (retry_);
    if (fault != Fault::none) return {.fault = fault};
    return {.physical = physical_,
            .leaf_size = leaf_size_,
            .flags = flags_,
            .permissions = permitted(flags_, privilege_, mstatus_of_access()),
            .is_global = is_global_,
            .fault = Fault::none};
  }

 private:
  /// Finds the leaf: entry_, entry_host_, level_.
  Fault descend(unsigned levels) noexcept {
    uint64_t table = (csr_.satp & csr::satp::kPpn) << hv::kGuestPageShift;
    is_global_ = false;
    for (level_ = levels - 1;; --level_) {
      const uint64_t index = hv::bits(address_, hv::kGuestPageShift + kIndexBits * level_, kIndexBits);
      if (const Fault fault = read_entry(table + index * sizeof(uint64_t)); fault != Fault::none) return fault;
      if ((entry_ & pte::kValid) == 0 || (entry_ & (pte::kRead | pte::kWrite)) == pte::kWrite ||
          (entry_ & pte::kReserved) != 0) {
        return Fault::page;
      }
      // §12.3.1: a global pointer makes all that lies behind it global.
      is_global_ = is_global_ || (entry_ & pte::kGlobal) != 0;
      if ((entry_ & (pte::kRead | pte::kExecute)) != 0) return Fault::none;
      // In a pointer to the next level these are reserved.
      constexpr uint64_t kLeafOnly = pte::kUser | pte::kAccessed | pte::kDirty | pte::kPbmt | pte::kNapot;
      if (level_ == 0 || (entry_ & kLeafOnly) != 0) return Fault::page;
      table = hv::bits(entry_, pte::kPpnShift, pte::kPpnBits) << hv::kGuestPageShift;
    }
  }

  Fault read_entry(uint64_t address) noexcept {
    if ((hart_.pmp().check(address, sizeof(uint64_t), Privilege::supervisor).allowed & permission::kRead) == 0)
      return Fault::access;
    entry_address_ = address;
    entry_host_ = reinterpret_cast<uint64_t*>(hart_.environment().memory.host_pointer({address}, sizeof(uint64_t)));
    if (entry_host_ == nullptr) return Fault::access;
    entry_ = __atomic_load_n(entry_host_, __ATOMIC_ACQUIRE);
    return Fault::none;
  }

  Fault finish_leaf() noexcept {
    const uint64_t ppn = hv::bits(entry_, pte::kPpnShift, pte::kPpnBits);
    leaf_size_ = hv::kGuestPageSize << (kIndexBits * level_);
    uint64_t base = ppn << hv::kGuestPageShift;
    if ((entry_ & pte::kNapot) != 0) {
      // Svnapot: ppn[3:0] = 1000 encodes 64 KiB; everything else is reserved.
      if (level_ != 0 || (ppn & (kNapotPages - 1)) != kNapotPages / 2) return Fault::page;
      leaf_size_ = hv::kGuestPageSize * kNapotPages;
      base &= ~(leaf_size_ - 1);
    }
    if ((base & (leaf_size_ - 1)) != 0) return Fault::page;  // misaligned superpage
    const uint64_t memory_type = entry_ & pte::kPbmt;
    if (memory_type == pte::kPbmt || (memory_type != 0 && (csr_.menvcfg & csr::envcfg::kPbmte) == 0))
      return Fault::page;
    flags_ = 0;
    if ((entry_ & pte::kRead) != 0) flags_ |= permission::kRead;
    if ((entry_ & pte::kWrite) != 0) flags_ |= permission::kWrite;
    if ((entry_ & pte::kExecute) != 0) flags_ |= permission::kExecute;
    if ((entry_ & pte::kUser) != 0) flags_ |= page_flag::kUser;
    if ((permitted(flags_, privilege_, mstatus_of_access()) & permission::of(access_)) == 0) return Fault::page;
    if (const Fault fault = mark_used(); fault != Fault::none || retry_) return fault;
    physical_ = base | (address_ & (leaf_size_ - 1));
    if ((entry_ & pte::kDirty) == 0) flags_ &= static_cast<uint8_t>(~permission::kWrite);
    return Fault::none;
  }

  uint64_t mstatus_of_access() const noexcept { return access_ == Access::fetch ? 0 : csr_.mstatus; }

  /// A and D: hardware updates them (Svadu) or the access faults (Svade).
  Fault mark_used() noexcept {
    const uint64_t needed = pte::kAccessed | (access_ == Access::store ? pte::kDirty : 0);
    if ((entry_ & needed) == needed) return Fault::none;
    if ((csr_.menvcfg & csr::envcfg::kAdue) == 0) return Fault::page;
    if ((hart_.pmp().check(entry_address_, sizeof(uint64_t), Privilege::supervisor).allowed & permission::kWrite) == 0)
      return Fault::access;
    uint64_t expected = entry_;
    if (!__atomic_compare_exchange_n(entry_host_, &expected, entry_ | needed, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
      retry_ = true;  // another hart changed the entry meanwhile
      return Fault::none;
    }
    entry_ |= needed;
    hart_.environment().memory.mark_dirty({entry_address_}, sizeof(uint64_t));
    return Fault::none;
  }

  Hart& hart_;
  const CsrState& csr_;
  const uint64_t address_;
  const Access access_;
  const Privilege privilege_;

  uint64_t entry_ = 0;
  uint64_t entry_address_ = 0;
  uint64_t* entry_host_ = nullptr;
  unsigned level_ = 0;
  uint64_t physical_ = 0;
  uint64_t leaf_size_ = 0;
  uint8_t flags_ = 0;
  bool is_global_ = false;
  bool retry_ = false;
};

}  // namespace

Translation walk(Hart& hart, uint64_t address, Access access, Privilege privilege) noexcept {
  if (csr::satp::mode(hart.state().csr.satp) == csr::satp::Mode::bare) {
    return {.physical = address, .leaf_size = hv::kGuestPageSize, .permissions = permission::kAll};
  }
  return Walk(hart, address, access, privilege).run();
}

Cause cause_of(Fault fault, Access access) noexcept {
  constexpr Cause kPage[] = {Cause::load_page_fault, Cause::store_page_fault, Cause::instruction_page_fault};
  constexpr Cause kAccess[] = {Cause::load_access, Cause::store_access, Cause::instruction_access};
  return (fault == Fault::page ? kPage : kAccess)[static_cast<size_t>(access)];
}

}  // namespace emu::riscv
