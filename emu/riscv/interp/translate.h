#pragma once

#include <cstddef>
#include <cstdint>

#include "emu/interp/block_cache.h"
#include "hv/core/guest_address.h"

/// From guest code to blocks. Code is named by its host address; pages are aligned in host memory as they are in the
/// guest's.
namespace emu::riscv::interp {

inline uintptr_t page_of(const std::byte* host) noexcept {
  return reinterpret_cast<uintptr_t>(host) & ~uintptr_t{hv::kGuestPageSize - 1};
}

/// Decodes the block that begins at `host` and adds it to `blocks`. Its first instruction does not cross the page's
/// end.
emu::interp::Block* translate(emu::interp::BlockCache& blocks, const std::byte* host) noexcept;

/// Whether the instruction at `host` ends in the page that follows in the guest's address space.
bool crosses_page(const std::byte* host) noexcept;
bool is_long(const std::byte* host) noexcept;  ///< of 4 bytes
/// Its encoding, of 2 bytes and of 4.
uint32_t short_insn(const std::byte* host) noexcept;
uint32_t crossing_insn(const std::byte* host, const std::byte* second_half) noexcept;
/// A block of that instruction alone.
emu::interp::Block* translate_crossing(emu::interp::BlockCache& blocks, const std::byte* host, uint32_t raw) noexcept;

/// Whether memory still has the code that the block was made of.
bool is_unchanged(const emu::interp::Block& block) noexcept;

}  // namespace emu::riscv::interp
