#include "vmm/boot/elf.h"

#include <gtest/gtest.h>

#include "tests/unit/vmm/boot/test_files.h"

namespace vmm {
namespace {

using testing::ElfBuilder;

std::string error_of(const ElfBuilder& builder) {
  const testing::ByteVector file = builder.build();
  const hv::Result<ElfFile> elf = parse_elf(file, kElfRiscv);
  return elf ? "(no error)" : elf.error().message;
}

TEST(Elf, FindsSegmentsEntryAndSymbols) {
  const testing::ByteVector file = ElfBuilder().build();
  const ElfFile elf = parse_elf(file, kElfRiscv).value();
  ASSERT_EQ(elf.segments.size(), 1u);
  EXPECT_EQ(elf.segments[0].physical_address, 0x8000'1000u);
  EXPECT_EQ(elf.segments[0].memory_size, 64u);
  EXPECT_EQ(hv::load_le<uint64_t>(elf.segments[0].data.data()), 0x1122334455667788u);
  EXPECT_EQ(elf.physical_entry(), 0x8000'1004u);
  EXPECT_EQ(elf.highest_physical_address(), 0x8000'1040u);
  EXPECT_EQ(elf.symbol("tohost"), 0x8000'1010u);
  EXPECT_EQ(elf.symbol("fromhost"), 0x8000'1018u);
  EXPECT_EQ(elf.symbol("absent"), std::nullopt);
}

TEST(Elf, RefusesOtherFiles) {
  EXPECT_EQ(parse_elf({}, kElfRiscv).error().message, "not an ELF file");
  ElfBuilder narrow;
  narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(error_of(narrow), "not a 64-bit little-endian ELF file");
  ElfBuilder foreign;
  foreign.header.e_machine = EM_X86_64;
  EXPECT_EQ(error_of(foreign), "an ELF file for another architecture (machine 62, not 243)");
  ElfBuilder object;
  object.header.e_type = ET_REL;
  EXPECT_EQ(error_of(object), "an ELF file that is no executable");
}

TEST(Elf, RefusesTablesAndSegmentsOutsideTheFile) {
  ElfBuilder table;
  table.header.e_phoff = ~uint64_t{0} - 8;
  EXPECT_EQ(error_of(table), "bad ELF file: its program header table runs past its end");
  ElfBuilder data;
  data.program.p_offset = ~uint64_t{0} - 4;
  EXPECT_EQ(error_of(data), "bad ELF file: segment 0 runs past its end");
  ElfBuilder inside_out;
  inside_out.program.p_filesz = 65;
  EXPECT_EQ(error_of(inside_out), "bad ELF file: segment 0 is larger in the file than in memory");
  ElfBuilder wraps;
  wraps.program.p_paddr = ~uint64_t{0} - 8;
  EXPECT_EQ(error_of(wraps), "bad ELF file: segment 0 runs past the end of the address space");
  ElfBuilder empty;
  empty.header.e_phnum = 0;
  EXPECT_EQ(error_of(empty), "bad ELF file: it has nothing to load");
}

TEST(Elf, DoesWithoutAMalformedSymbolTable) {
  ElfBuilder builder;
  builder.header.e_shoff = ~uint64_t{0} - 100;
  const testing::ByteVector file = builder.build();
  EXPECT_EQ(parse_elf(file, kElfRiscv).value().symbol("tohost"), std::nullopt);
}

}  // namespace
}  // namespace vmm
