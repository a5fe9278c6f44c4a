#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "hv/core/guest_memory.h"

namespace vmm {

/// What a loaded program needs to know of itself.
struct LoadedProgram {
  hv::GuestAddress entry;
  hv::GuestRange range;                    ///< memory that it takes, bss included
  std::optional<hv::GuestAddress> tohost;  ///< of a bare-metal program that talks to its host through HTIF
  std::optional<hv::GuestAddress> fromhost;
};

/// All functions name the file in their errors.

/// A RISC-V Linux kernel: Image, also compressed with gzip, zstd or as EFI zboot, or ELF. It goes to where its header
/// asks for, counted from the start of `ram`.
hv::Result<LoadedProgram> load_riscv_kernel(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram);

/// An arm64 Linux kernel: Image, also compressed with gzip, zstd or as EFI zboot. Likewise.
hv::Result<LoadedProgram> load_arm64_kernel(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram);

/// Firmware: ELF at its own addresses, anything else at the start of `ram`.
hv::Result<LoadedProgram> load_riscv_firmware(const std::string& path, hv::GuestMemory& memory, hv::GuestRange ram);

/// An ELF program at its physical addresses.
hv::Result<LoadedProgram> load_riscv_program(const std::string& path, hv::GuestMemory& memory);

/// Places a file so that it ends at or below `limit`, page-aligned, above `floor`. Error: no room.
hv::Result<hv::GuestRange> load_initrd(const std::string& path, hv::GuestMemory& memory, hv::GuestAddress floor,
                                       hv::GuestAddress limit);

}  // namespace vmm
