#include <algorithm>
#include <cstring>
#include <optional>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/hart.h"
#include "emu/riscv/helpers.h"
#include "emu/riscv/page_walk.h"
#include "hv/base/bits.h"

namespace emu::riscv {
namespace {

constexpr uint64_t kPageMask = hv::kGuestPageSize - 1;
constexpr uint64_t kCacheBlock = 64;  // bytes, as the device tree says

uint64_t page(uint64_t address) noexcept { return address & ~kPageMask; }
bool fits_in_page(uint64_t address, uint64_t size) noexcept {
  return (address & kPageMask) + size <= hv::kGuestPageSize;
}

/// The privilege that memory protection looks at: that of mstatus.MPP for data accesses of M-mode with MPRV.
Privilege effective_privilege(const HartState& state, Access access) noexcept {
  const uint64_t mstatus = state.csr.mstatus;
  if (access == Access::fetch || state.privilege != Privilege::machine || (mstatus & csr::mstatus::kMprv) == 0)
    return state.privilege;
  return static_cast<Privilege>((mstatus & csr::mstatus::kMpp) >> csr::mstatus::kMppShift);
}

/// Where a translated access within one page goes.
struct Place {
  std::byte* host = nullptr;  ///< nullptr: not RAM
  uint64_t physical = 0;
};

/// Remembers the page in the inline TLB that the access used.
void fill(Hart& hart, uint64_t address, Access access, uint8_t allowed, bool is_global, std::byte* host_page) noexcept {
  mmu::Tlb& table = access == Access::fetch ? hart.fetch_table() : hart.data_table();
  const uint64_t tag = page(address);
  const auto tag_if = [&](uint8_t permission) { return (allowed & permission) != 0 ? tag : mmu::TlbEntry::kNoPage; };
  table.fill(address,
             {.read = tag_if(permission::kRead),
              .write = tag_if(permission::kWrite),
              .execute = tag_if(permission::kExecute),
              .addend = reinterpret_cast<uintptr_t>(host_page) - tag},
             is_global);
}

/// Whether the fast path may write to the page from now on. It does so without telling anybody, so the page counts as
/// written, and its code is looked at again after the next fence.i; a load does not make it so.
bool may_write_unseen(Hart& hart, uint64_t physical_page, const std::byte* host_page, Access access) noexcept {
  hv::GuestMemory& memory = hart.environment().memory;
  mmu::CodePages& code = hart.group().code_pages();
  if (access != Access::store) return memory.is_dirty({physical_page}) && code.allows_writes(host_page);
  code.allow_writes(host_page);
  memory.mark_dirty({physical_page}, hv::kGuestPageSize);
  return true;
}

/// The host address for an access within a page that is known to permit it, or nullptr. A page that the second level
/// knows goes to the inline TLB.
inline std::byte* known_host(HartState& state, uint64_t address, Access access) noexcept {
  if (access != Access::fetch) {
    const mmu::TlbEntry& entry = state.data_tlb[mmu::Tlb::index(address)];
    if ((access == Access::load ? entry.read : entry.write) == page(address))
      return reinterpret_cast<std::byte*>(entry.addend + address);
  }
  const Privilege privilege = effective_privilege(state, access);
  if (privilege == Privilege::machine) return nullptr;
  Hart& hart = *state.hart;
  const mmu::SecondLevelTlb::Page known = hart.spaces().find(address);
  const uint8_t allowed = permitted(known.flags, privilege, access == Access::fetch ? 0 : state.csr.mstatus);
  if (known.host == nullptr || (allowed & permission::of(access)) == 0) return nullptr;
  fill(hart, address, access, allowed, known.is_global, known.host);
  return known.host + (address & kPageMask);
}

/// Translates an access within one page, checks it and fills the TLBs. Nothing after raising.
[[gnu::noinline]] std::optional<Place> locate(HartState& state, uint64_t address, uint64_t size,
                                              Access access) noexcept {
  Hart& hart = *state.hart;
  const Privilege privilege = effective_privilege(state, access);
  const Translation translation = privilege == Privilege::machine
                                      ? Translation{.physical = address, .permissions = permission::kAll}
                                      : walk(hart, address, access, privilege);
  if (translation.fault != Fault::none) {
    raise(state, cause_of(translation.fault, access), address);
    return std::nullopt;
  }
  const uint64_t physical = translation.physical;
  const Pmp::Verdict whole_page = hart.pmp().check(page(physical), hv::kGuestPageSize, privilege);
  const Pmp::Verdict verdict = whole_page.uniform ? whole_page : hart.pmp().check(physical, size, privilege);
  if ((verdict.allowed & permission::of(access)) == 0) {
    raise(state, cause_of(Fault::access, access), address);
    return std::nullopt;
  }
  hv::GuestMemory& memory = hart.environment().memory;
  std::byte* const host_page = memory.host_pointer({page(physical)}, hv::kGuestPageSize);
  if (host_page == nullptr) return Place{.host = nullptr, .physical = physical};
  uint8_t granted = verdict.allowed;
  if ((granted & permission::kWrite) != 0 && !may_write_unseen(hart, page(physical), host_page, access))
    granted &= static_cast<uint8_t>(~permission::kWrite);
  if (whole_page.uniform) {
    fill(hart, address, access, translation.permissions & granted, translation.is_global, host_page);
    // Only what a page table maps: a translation that is none takes no time.
    const auto flags = static_cast<uint8_t>(translation.flags & (granted | page_flag::kUser));
    if (translation.flags != 0)
      hart.spaces().add(address, translation.leaf_size, host_page, flags, translation.is_global);
  }
  return Place{.host = host_page + (physical & kPageMask), .physical = physical};
}

// An aligned access is one access of its size: other harts see all of it or nothing, and see it once. memcpy with a
// length known only at run time promises neither.
template <typename T>
T read_one(const std::byte* host) noexcept {
  if (hv::is_aligned(reinterpret_cast<uintptr_t>(host), uintptr_t{sizeof(T)}))
    return __atomic_load_n(reinterpret_cast<const T*>(host), __ATOMIC_RELAXED);
  T value;
  std::memcpy(&value, host, sizeof value);
  return value;
}

template <typename T>
void write_one(std::byte* host, uint64_t value) noexcept {
  const T narrow = static_cast<T>(value);
  if (hv::is_aligned(reinterpret_cast<uintptr_t>(host), uintptr_t{sizeof(T)}))
    __atomic_store_n(reinterpret_cast<T*>(host), narrow, __ATOMIC_RELAXED);
  else
    std::memcpy(host, &narrow, sizeof narrow);
}

uint64_t read_host(const std::byte* host, unsigned size) noexcept {
  switch (size) {
    case 1:
      return read_one<uint8_t>(host);
    case 2:
      return read_one<uint16_t>(host);
    case 4:
      return read_one<uint32_t>(host);
    case 8:
      return read_one<uint64_t>(host);
    default:  // the part of a misaligned access that lies in one page
      uint64_t value = 0;
      std::memcpy(&value, host, size);
      return value;
  }
}

void write_host(std::byte* host, unsigned size, uint64_t value) noexcept {
  switch (size) {
    case 1:
      return write_one<uint8_t>(host, value);
    case 2:
      return write_one<uint16_t>(host, value);
    case 4:
      return write_one<uint32_t>(host, value);
    case 8:
      return write_one<uint64_t>(host, value);
    default:
      std::memcpy(host, &value, size);
  }
}

/// Devices take naturally aligned accesses that lie within one of them; others are access faults.
bool device_takes(HartState& state, uint64_t physical, unsigned size) noexcept {
  return (physical & (size - 1)) == 0 && state.hart->environment().bus.claims({physical}, size);
}

/// Where an access within one page goes; nothing after raising.
inline std::optional<Place> place_of(HartState& state, uint64_t address, uint64_t size, Access access) noexcept {
  if (std::byte* const host = known_host(state, address, access); host != nullptr) [[likely]]
    return Place{.host = host};
  return locate(state, address, size, access);
}

/// A load within one page that is not known to be RAM.
[[gnu::noinline]] uint64_t load_unknown(HartState& state, uint64_t address, unsigned size) noexcept {
  const auto place = locate(state, address, size, Access::load);
  if (!place) return 0;
  if (place->host != nullptr) return read_host(place->host, size);
  if (!device_takes(state, place->physical, size)) {
    raise(state, Cause::load_access, address);
    return 0;
  }
  return state.hart->environment().bus.read({place->physical}, size);
}

/// A store within one page that is not known to be RAM.
[[gnu::noinline]] void store_unknown(HartState& state, uint64_t address, unsigned size, uint64_t value) noexcept {
  const auto place = locate(state, address, size, Access::store);
  if (!place) return;
  if (place->host != nullptr) {
    write_host(place->host, size, value);
  } else if (device_takes(state, place->physical, size)) {
    state.hart->environment().bus.write({place->physical}, size, value);
  } else {
    raise(state, Cause::store_access, address);
  }
}

void store_across_pages(HartState& state, uint64_t address, unsigned size, uint64_t value) noexcept {
  const uint64_t second = page(address) + hv::kGuestPageSize;
  const auto first_size = static_cast<unsigned>(second - address);
  // Both pages are checked before either is written.
  const auto low = place_of(state, address, first_size, Access::store);
  if (!low) return;
  const auto high = place_of(state, second, size - first_size, Access::store);
  if (!high) return;
  if (low->host == nullptr || high->host == nullptr)
    return raise(state, Cause::store_access, low->host == nullptr ? address : second);
  write_host(low->host, first_size, value);
  write_host(high->host, size - first_size, value >> (first_size * 8));
}

}  // namespace

uint64_t load_slow(HartState& state, uint64_t address, unsigned size) noexcept {
  if (fits_in_page(address, size)) [[likely]] {
    const std::byte* const known = known_host(state, address, Access::load);
    return known != nullptr ? read_host(known, size) : load_unknown(state, address, size);
  }
  const uint64_t second = page(address) + hv::kGuestPageSize;
  const auto first_size = static_cast<unsigned>(second - address);
  const auto low = place_of(state, address, first_size, Access::load);
  if (!low) return 0;
  const auto high = place_of(state, second, size - first_size, Access::load);
  if (!high) return 0;
  if (low->host == nullptr || high->host == nullptr) {
    raise(state, Cause::load_access, low->host == nullptr ? address : second);
    return 0;
  }
  return read_host(low->host, first_size) | read_host(high->host, size - first_size) << (first_size * 8);
}

void store_slow(HartState& state, uint64_t address, unsigned size, uint64_t value) noexcept {
  if (!fits_in_page(address, size)) return store_across_pages(state, address, size, value);
  if (std::byte* const known = known_host(state, address, Access::store); known != nullptr)
    return write_host(known, size, value);
  store_unknown(state, address, size, value);
}

std::byte* atomic_address(HartState& state, uint64_t address, unsigned size, bool is_store) noexcept {
  const Access access = is_store ? Access::store : Access::load;
  // Unprivileged §14.2: misaligned atomics raise an address-misaligned exception.
  if ((address & (size - 1)) != 0) {
    raise(state, is_store ? Cause::store_misaligned : Cause::load_misaligned, address);
    return nullptr;
  }
  const auto place = place_of(state, address, size, access);
  if (!place) return nullptr;
  if (place->host == nullptr) raise(state, cause_of(Fault::access, access), address);
  return place->host;
}

const std::byte* fetch_slow(HartState& state, uint64_t address) noexcept {
  const auto place = place_of(state, address, 2, Access::fetch);
  if (!place) return nullptr;
  if (place->host == nullptr) raise(state, Cause::instruction_access, address);
  return place->host;
}

void note_code(HartState& state, const std::byte* host) noexcept { state.hart->group().code_pages().add(host); }

namespace {

/// Whether menvcfg and senvcfg let the present mode use the cache-block operations that `field` enables; raises
/// otherwise.
bool cache_operation_enabled(HartState& state, uint32_t encoded, uint64_t field) noexcept {
  const bool machine_allows = state.privilege == Privilege::machine || (state.csr.menvcfg & field) != 0;
  const bool supervisor_allows = state.privilege != Privilege::user || (state.csr.senvcfg & field) != 0;
  if (machine_allows && supervisor_allows) return true;
  raise_illegal(state, Insn{.raw = encoded});
  return false;
}

/// Memory is coherent here, so what is left of managing a cache block are its exceptions: those of a store, unless a
/// load is permitted (CMO §2.5.2).
void manage_block(HartState& state, const Insn& insn, uint64_t field) noexcept {
  if (!cache_operation_enabled(state, insn.raw, field)) return;
  const uint64_t address = state.x[insn.rs1];
  const mmu::TlbEntry& entry = state.data_tlb[mmu::Tlb::index(address)];
  if (entry.read == page(address) || entry.write == page(address)) return;
  const Privilege privilege = effective_privilege(state, Access::store);
  if (privilege != Privilege::machine && walk(*state.hart, address, Access::load, privilege).fault == Fault::none)
    return;
  locate(state, address, 1, Access::store);
}

}  // namespace

// A fault reports the address in rs1, not that of the block (CMO §2.5.2).
void zero_block(HartState& state, uint64_t address, uint32_t encoded) noexcept {
  if (!cache_operation_enabled(state, encoded, csr::envcfg::kCbze)) return;
  const uint64_t offset = address & (kCacheBlock - 1);
  const auto place = place_of(state, address, kCacheBlock - offset, Access::store);
  if (!place) return;
  if (place->host == nullptr) return raise(state, Cause::store_access, address);
  std::memset(place->host - offset, 0, kCacheBlock);
}
void cbo_inval(HartState& state, const Insn& insn) noexcept { manage_block(state, insn, csr::envcfg::kCbie); }
void cbo_clean(HartState& state, const Insn& insn) noexcept { manage_block(state, insn, csr::envcfg::kCbcfe); }
void cbo_flush(HartState& state, const Insn& insn) noexcept { manage_block(state, insn, csr::envcfg::kCbcfe); }

}  // namespace emu::riscv
