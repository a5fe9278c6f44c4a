#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hv/base/result.h"

namespace vmm {

/// A PT_LOAD segment; `data` is a view into the file, at most `memory_size` bytes.
struct ElfSegment {
  uint64_t physical_address = 0;
  uint64_t virtual_address = 0;
  uint64_t memory_size = 0;  ///< bytes; those after `data` are zero
  std::span<const std::byte> data;
  bool is_executable = false;
};

/// ELF machine numbers (e_machine).
inline constexpr uint16_t kElfRiscv = 243;
inline constexpr uint16_t kElfX86_64 = 62;

/// A 64-bit little-endian ELF executable (System V ABI, generic, chapters 4 and 5).
struct ElfFile {
  uint64_t entry = 0;  ///< as in the header: a virtual address
  std::vector<ElfSegment> segments;
  std::vector<std::pair<std::string, uint64_t>> symbols;  ///< named, defined ones, as in the file
  std::optional<uint64_t> pvh_entry;                      ///< physical, from a note of Xen's (XEN_ELFNOTE_PHYS32_ENTRY)

  std::optional<uint64_t> symbol(std::string_view name) const;
  /// Where the entry point lies physically.
  uint64_t physical_entry() const;
  uint64_t lowest_physical_address() const;
  uint64_t highest_physical_address() const;  ///< the first byte after all segments
};

bool is_elf(std::span<const std::byte> file);

/// `file` must outlive the result. Every offset is checked: any input gives a result or an error that says what is
/// wrong.
hv::Result<ElfFile> parse_elf(std::span<const std::byte> file, uint16_t machine);

}  // namespace vmm
