#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hv/base/result.h"
#include "hv/core/guest_address.h"
#include "hv/core/guest_memory.h"

namespace vmm {

/// How an x86-64 kernel wants to be started.
enum class X86Protocol {
  linux64,  ///< Linux, Documentation/arch/x86/boot.rst: 64-bit entry, rsi points to struct boot_params
  pvh,      ///< Xen, docs/misc/pvh.pandoc: 32-bit entry, ebx points to struct hvm_start_info
};

struct X86Kernel {
  X86Protocol protocol = X86Protocol::linux64;
  hv::GuestAddress entry;
  hv::GuestRange range;                 ///< memory that it takes until it has unpacked itself
  std::vector<std::byte> setup_header;  ///< of a bzImage: what goes to offset 0x1f1 of boot_params
  uint64_t initrd_limit = 0;            ///< the initrd ends below this address
  size_t cmdline_limit = 0;             ///< bytes of the command line, without the NUL
};

/// A bzImage (protocol 2.12 or newer, with a 64-bit entry), or an ELF kernel with a PVH entry. Errors name the file.
hv::Result<X86Kernel> load_x86_kernel(const std::string& path, hv::GuestMemory& memory);

}  // namespace vmm
