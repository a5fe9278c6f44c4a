#include <cstddef>
#include <cstdint>
#include <span>

#include "hv/base/check.h"
#include "vmm/boot/elf.h"

/// Any bytes are an ELF file: what parses has segments within the file and addresses that do not wrap.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const hv::Result<vmm::ElfFile> elf = vmm::parse_elf(file, vmm::kElfRiscv);
  if (!elf) return 0;
  CHECK(!elf->segments.empty());
  for (const vmm::ElfSegment& segment : elf->segments) {
    CHECK(segment.data.size() <= segment.memory_size);
    CHECK(segment.data.empty() || (segment.data.data() >= file.data() &&
                                   segment.data.data() + segment.data.size() <= file.data() + file.size()));
    CHECK(segment.physical_address + (segment.memory_size - 1) >= segment.physical_address);
  }
  (void)elf->physical_entry();
  (void)elf->symbol("tohost");
  return 0;
}
