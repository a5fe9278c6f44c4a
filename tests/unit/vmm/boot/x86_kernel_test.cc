#include "vmm/boot/x86_kernel.h"

#include <gmock/gmock.h>

#include "tests/unit/vmm/boot/test_files.h"
#include "vmm/boot/elf.h"

namespace vmm {
namespace {

using ::testing::HasSubstr;
using vmm::testing::ByteVector;
using vmm::testing::put;

constexpr uint64_t kMemory = 8u << 20;
constexpr uint64_t kPreferred = 2u << 20;
constexpr size_t kSetupSize = 5 * 512;

/// A bzImage with 4 setup sectors and 16 bytes of kernel.
ByteVector bzimage() {
  ByteVector file(kSetupSize + 16);
  put(file, 0x1f1, uint8_t{4});
  put(file, 0x201, uint8_t{0x6a});
  put(file, 0x202, uint32_t{0x5372'6448});
  put(file, 0x206, uint16_t{0x20f});
  put(file, 0x211, uint8_t{1});
  put(file, 0x22c, uint32_t{0x7fff'ffff});
  put(file, 0x236, uint16_t{1});
  put(file, 0x238, uint32_t{2047});
  put(file, 0x258, kPreferred);
  put(file, 0x260, uint32_t{0x10'0000});
  put(file, kSetupSize, uint64_t{0x1122'3344'5566'7788});
  return file;
}

class X86KernelTest : public ::testing::Test {
 protected:
  hv::Result<X86Kernel> load(const ByteVector& file) {
    std::ofstream(path_, std::ios::binary).write(reinterpret_cast<const char*>(file.data()), std::ssize(file));
    return load_x86_kernel(path_, *memory_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string path_ = std::filesystem::temp_directory_path() / fmt::format("vireo-x86-{}", ::getpid());
  const hv::RegionConfig ram_{{0}, kMemory, hv::HugePages::off, {}};
  std::unique_ptr<hv::GuestMemory> memory_ = std::move(hv::GuestMemory::create({&ram_, 1})).value();
};

TEST_F(X86KernelTest, ABzImageGoesToItsPreferredAddress) {
  const auto kernel = load(bzimage());
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->protocol, X86Protocol::linux64);
  EXPECT_EQ(kernel->entry.value, kPreferred + 0x200);
  EXPECT_EQ(kernel->range.size, 0x10'0000u);
  EXPECT_EQ(memory_->load<uint64_t>({kPreferred}).value(), 0x1122'3344'5566'7788u);
  EXPECT_EQ(kernel->setup_header.size(), 0x202u + 0x6a - 0x1f1);
  EXPECT_EQ(kernel->cmdline_limit, 2047u);
}

TEST_F(X86KernelTest, WhatIsNoUsableKernelIsAnErrorThatSaysWhy) {
  EXPECT_THAT(load(ByteVector(4096)).error().message, HasSubstr("neither bzImage nor ELF"));
  EXPECT_THAT(load(ByteVector(1)).error().message, HasSubstr("neither bzImage nor ELF"));
  ByteVector file = bzimage();
  put(file, 0x206, uint16_t{0x20a});
  EXPECT_THAT(load(file).error().message, HasSubstr("boot protocol 2.10"));
  file = bzimage();
  put(file, 0x236, uint16_t{0});
  EXPECT_THAT(load(file).error().message, HasSubstr("without a 64-bit entry"));
  file = bzimage();
  put(file, 0x1f1, uint8_t{64});
  EXPECT_THAT(load(file).error().message, HasSubstr("cut off"));
  file = bzimage();
  put(file, 0x258, kMemory - 4096);
  EXPECT_THAT(load(file).error().message, HasSubstr("give the machine more memory"));
}

TEST_F(X86KernelTest, AnElfKernelStartsWhereItsNoteSays) {
  ByteVector file(0x1000);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = kElfX86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  Elf64_Phdr load_segment{.p_type = PT_LOAD,
                          .p_flags = PF_X,
                          .p_offset = 0x200,
                          .p_vaddr = 0,
                          .p_paddr = kPreferred,
                          .p_filesz = 8,
                          .p_memsz = 16,
                          .p_align = 1};
  Elf64_Phdr note_segment{.p_type = PT_NOTE,
                          .p_flags = 0,
                          .p_offset = 0x300,
                          .p_vaddr = 0,
                          .p_paddr = 0,
                          .p_filesz = 24,
                          .p_memsz = 24,
                          .p_align = 4};
  put(file, 0, header);
  put(file, sizeof header, load_segment);
  put(file, sizeof header + sizeof load_segment, note_segment);
  put(file, 0x300, Elf64_Nhdr{4, 8, 18});
  put(file, 0x30c, uint32_t{0x006e6558});  // "Xen"
  put(file, 0x310, kPreferred + 4);
  const auto kernel = load(file);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->protocol, X86Protocol::pvh);
  EXPECT_EQ(kernel->entry.value, kPreferred + 4);

  put(file, 0x300, Elf64_Nhdr{4, 8, 17});
  EXPECT_THAT(load(file).error().message, HasSubstr("without a PVH entry"));
  put(file, 0x300, Elf64_Nhdr{0xffff'fff0, 0xffff'fff0, 18});
  EXPECT_FALSE(load(file));
}

}  // namespace
}  // namespace vmm
