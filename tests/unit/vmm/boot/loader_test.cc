#include "vmm/boot/loader.h"

#include <gtest/gtest.h>

#include "tests/unit/vmm/boot/test_files.h"

namespace vmm {
namespace {

using testing::ByteVector;
using testing::ElfBuilder;
using testing::riscv_image;

class Loader : public ::testing::Test {
 protected:
  static constexpr hv::GuestRange kRam{{0x8000'0000}, 16u << 20};

  static std::unique_ptr<hv::GuestMemory> make_memory() {
    const hv::RegionConfig region{kRam.base, kRam.size, hv::HugePages::off, {}};
    return std::move(hv::GuestMemory::create({&region, 1}).value());
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<hv::GuestMemory> memory_ = make_memory();
};

TEST_F(Loader, PutsAnImageAtItsTextOffset) {
  const std::string path = folder_.write("Image", riscv_image(4096, 0x20'0000, 0x10000));
  const LoadedProgram kernel = load_riscv_kernel(path, *memory_, kRam).value();
  EXPECT_EQ(kernel.entry.value, 0x8020'0000u);
  EXPECT_EQ(kernel.range.size, 0x10000u);
  EXPECT_EQ(memory_->load<uint32_t>({0x8020'0038}).value(), 0x05435352u);
}

TEST_F(Loader, MovesAnElfKernelIntoRam) {
  ElfBuilder builder;
  builder.program.p_paddr = 0;
  builder.program.p_vaddr = 0xffff'ffff'8000'0000;
  builder.header.e_entry = 0xffff'ffff'8000'0004;
  const LoadedProgram kernel = load_riscv_kernel(folder_.write("vmlinux", builder.build()), *memory_, kRam).value();
  EXPECT_EQ(kernel.entry.value, 0x8020'0004u);
  EXPECT_EQ(memory_->load<uint64_t>({0x8020'0000}).value(), 0x1122334455667788u);
}

TEST_F(Loader, LoadsABareProgramWithItsHostInterface) {
  const LoadedProgram program = load_riscv_program(folder_.write("a.elf", ElfBuilder().build()), *memory_).value();
  EXPECT_EQ(program.entry.value, 0x8000'1004u);
  EXPECT_EQ(program.tohost->value, 0x8000'1010u);
  EXPECT_EQ(program.fromhost->value, 0x8000'1018u);
}

TEST_F(Loader, PutsFlatFirmwareAtTheStartOfRam) {
  const std::string path = folder_.write("fw.bin", ByteVector(100, std::byte{0x13}));
  const LoadedProgram firmware = load_riscv_firmware(path, *memory_, kRam).value();
  EXPECT_EQ(firmware.entry.value, 0x8000'0000u);
  EXPECT_EQ(memory_->load<uint8_t>({0x8000'0063}).value(), 0x13);
}

TEST_F(Loader, NamesTheFileThatDoesNotFit) {
  const std::string path = folder_.write("Image", riscv_image(4096, 0x20'0000, 32u << 20));
  EXPECT_EQ(load_riscv_kernel(path, *memory_, kRam).error().message,
            path + ": needs 32768 KiB at 0x80200000, which is not all RAM; give the machine more memory");
  ElfBuilder builder;
  builder.program.p_paddr = 0x1000;
  const std::string elf = folder_.write("low.elf", builder.build());
  EXPECT_EQ(load_riscv_program(elf, *memory_).error().message,
            elf + ": needs 1 KiB at 0x1000, which is not all RAM; give the machine more memory");
}

TEST_F(Loader, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(load_riscv_program("/absent", *memory_).error().message,
            "/absent: cannot be opened: No such file or directory");
  EXPECT_EQ(load_riscv_program("/dev/null", *memory_).error().message, "/dev/null: not a regular file");
  const std::string text = folder_.write("text", ByteVector(100));
  EXPECT_EQ(load_riscv_kernel(text, *memory_, kRam).error().message,
            text + ": not a RISC-V Linux kernel (neither Image, also compressed, nor ELF)");
}

TEST_F(Loader, PutsTheInitrdBelowItsLimit) {
  const std::string path = folder_.write("initrd", ByteVector(5000, std::byte{7}));
  const hv::GuestRange initrd = load_initrd(path, *memory_, {0x8020'0000}, {0x8080'0000}).value();
  EXPECT_EQ(initrd.base.value, 0x807f'e000u);
  EXPECT_EQ(initrd.size, 5000u);
  EXPECT_EQ(memory_->load<uint8_t>(initrd.base + 4999).value(), 7);
}

TEST_F(Loader, RefusesAnInitrdWithoutRoom) {
  const std::string path = folder_.write("initrd", ByteVector(5000));
  EXPECT_EQ(load_initrd(path, *memory_, {0x8020'0000}, {0x8020'1000}).error().message,
            path + ": its 5 KiB do not fit into memory beside the kernel; give the machine more memory");
}

}  // namespace
}  // namespace vmm
