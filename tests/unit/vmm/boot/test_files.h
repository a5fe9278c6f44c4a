#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include "hv/base/endian.h"

namespace vmm::testing {

using ByteVector = std::vector<std::byte>;

template <typename T>
void put(ByteVector& out, size_t offset, const T& value) {
  if (out.size() < offset + sizeof value) out.resize(offset + sizeof value);
  std::memcpy(out.data() + offset, &value, sizeof value);
}

/// An ELF executable with one segment of 8 bytes at 0x80001000 (virtual 0x1000, 64 bytes in memory) and the symbols
/// `tohost` and `fromhost`.
class ElfBuilder {
 public:
  static constexpr size_t kProgramHeader = sizeof(Elf64_Ehdr);
  static constexpr size_t kData = 0x100;
  static constexpr size_t kSymbols = 0x200;
  static constexpr size_t kStrings = 0x300;
  static constexpr size_t kSections = 0x400;

  ElfBuilder() {
    put(data, 0, uint64_t{0x1122334455667788});
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = 243;
    header.e_entry = 0x1004;
    header.e_phoff = kProgramHeader;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    header.e_shoff = kSections;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 3;
    program.p_type = PT_LOAD;
    program.p_offset = kData;
    program.p_vaddr = 0x1000;
    program.p_paddr = 0x8000'1000;
    program.p_filesz = 8;
    program.p_memsz = 64;
  }

  ByteVector build() const {
    ByteVector file;
    put(file, 0, header);
    put(file, kProgramHeader, program);
    for (size_t i = 0; i < data.size(); ++i) put(file, kData + i, data[i]);
    Elf64_Sym tohost{};
    tohost.st_name = 1;
    tohost.st_shndx = 1;
    tohost.st_value = tohost_address;
    Elf64_Sym fromhost = tohost;
    fromhost.st_name = 8;
    fromhost.st_value = tohost_address + 8;
    put(file, kSymbols + sizeof(Elf64_Sym), tohost);
    put(file, kSymbols + 2 * sizeof(Elf64_Sym), fromhost);
    const char names[] = "\0tohost\0fromhost";
    file.resize(kStrings);
    for (size_t i = 0; i < sizeof names; ++i) put(file, kStrings + i, names[i]);
    Elf64_Shdr symbols{};
    symbols.sh_type = SHT_SYMTAB;
    symbols.sh_offset = kSymbols;
    symbols.sh_size = 3 * sizeof(Elf64_Sym);
    symbols.sh_link = 2;
    Elf64_Shdr strings{};
    strings.sh_type = SHT_STRTAB;
    strings.sh_offset = kStrings;
    strings.sh_size = sizeof names;
    put(file, kSections + sizeof(Elf64_Shdr), symbols);
    put(file, kSections + 2 * sizeof(Elf64_Shdr), strings);
    return file;
  }

  Elf64_Ehdr header{};
  Elf64_Phdr program{};
  ByteVector data;                        ///< of the segment, at most 256 bytes
  uint64_t tohost_address = 0x8000'1010;  ///< `fromhost` follows it
};

/// A bare-metal RISC-V program at 0x80000000, its `tohost` at 0x80001000 and `fromhost` at 0x80001008.
inline ByteVector riscv_program(std::span<const uint32_t> instructions) {
  ElfBuilder builder;
  builder.data.clear();
  for (size_t i = 0; i < instructions.size(); ++i) put(builder.data, 4 * i, instructions[i]);
  builder.header.e_entry = builder.program.p_vaddr = builder.program.p_paddr = 0x8000'0000;
  builder.program.p_filesz = builder.data.size();
  builder.program.p_memsz = 0x2000;
  builder.tohost_address = 0x8000'1000;
  return builder.build();
}

/// A flat RISC-V kernel of `size` bytes that takes `image_size` in memory.
inline ByteVector riscv_image(size_t size, uint64_t text_offset, uint64_t image_size) {
  ByteVector image(size, std::byte{0x5a});
  put(image, 8, text_offset);
  put(image, 16, image_size);
  put(image, 24, uint64_t{0});
  put(image, 56, uint32_t{0x05435352});
  return image;
}

/// A folder that goes away with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vireo-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string write(const std::string& name, std::span<const std::byte> data) const {
    std::string path = (path_ / name).string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    return path;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace vmm::testing
