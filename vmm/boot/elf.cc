#include "vmm/boot/elf.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

namespace vmm {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxSymbols = 1u << 20;
constexpr size_t kMaxSymbolName = 256;

/// `size` bytes at `offset`, or an empty view where the file does not have them.
Bytes slice(Bytes file, uint64_t offset, uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) return {};
  return file.subspan(offset, size);
}

template <typename T>
std::optional<T> object(Bytes file, uint64_t offset) {
  const Bytes bytes = slice(file, offset, sizeof(T));
  if (bytes.size() != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// The `index`th of a table of T.
template <typename T>
std::optional<T> element(Bytes file, uint64_t table, uint64_t entry_size, uint64_t index) {
  if (table > file.size()) return std::nullopt;
  return object<T>(file, table + index * entry_size);  // no overflow: index and entry_size have 32 bits at most
}

/// The note by which a kernel says where it starts in 32-bit protected mode: name "Xen", type 18, 4 or 8 bytes. Xen,
/// xen/include/public/elfnote.h. A malformed note is no note.
void find_pvh_entry(Bytes notes, ElfFile& elf) {
  constexpr uint32_t kPhys32Entry = 18;
  constexpr uint32_t kAlignment = 4;
  const auto aligned = [](uint64_t size) { return (size + kAlignment - 1) & ~uint64_t{kAlignment - 1}; };
  while (const auto note = object<Elf64_Nhdr>(notes, 0)) {
    const Bytes name = slice(notes, sizeof *note, note->n_namesz);
    const uint64_t data_at = sizeof *note + aligned(note->n_namesz);
    const Bytes data = slice(notes, data_at, note->n_descsz);
    const uint64_t end = data_at + aligned(note->n_descsz);
    if (note->n_type == kPhys32Entry && name.size() == 4 && std::memcmp(name.data(), "Xen", 4) == 0) {
      if (data.size() == sizeof(uint64_t)) elf.pvh_entry = object<uint64_t>(data, 0);
      if (data.size() == sizeof(uint32_t)) elf.pvh_entry = object<uint32_t>(data, 0);
    }
    if (end > notes.size()) return;
    notes = notes.subspan(end);
  }
}

hv::Result<void> add_segments(Bytes file, const Elf64_Ehdr& header, ElfFile& elf) {
  if (header.e_phnum > kMaxSegments || (header.e_phnum != 0 && header.e_phentsize < sizeof(Elf64_Phdr)))
    return hv::error("bad ELF file: its program header table is malformed");
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto program = element<Elf64_Phdr>(file, header.e_phoff, header.e_phentsize, i);
    if (!program) return hv::error("bad ELF file: its program header table runs past its end");
    if (program->p_type == PT_NOTE) find_pvh_entry(slice(file, program->p_offset, program->p_filesz), elf);
    if (program->p_type != PT_LOAD || program->p_memsz == 0) continue;
    if (program->p_filesz > program->p_memsz)
      return hv::error("bad ELF file: segment {} is larger in the file than in memory", i);
    const Bytes data = slice(file, program->p_offset, program->p_filesz);
    if (data.size() != program->p_filesz) return hv::error("bad ELF file: segment {} runs past its end", i);
    if (program->p_memsz - 1 > ~program->p_paddr || program->p_memsz - 1 > ~program->p_vaddr)
      return hv::error("bad ELF file: segment {} runs past the end of the address space", i);
    elf.segments.push_back(
        {program->p_paddr, program->p_vaddr, program->p_memsz, data, (program->p_flags & PF_X) != 0});
  }
  if (elf.segments.empty()) return hv::error("bad ELF file: it has nothing to load");
  return {};
}

/// Symbols are a convenience: a malformed table has none.
void add_symbols(Bytes file, const Elf64_Shdr& table, const Elf64_Shdr& strings, ElfFile& elf) {
  const Bytes symbols = slice(file, table.sh_offset, table.sh_size);
  const Bytes names = slice(file, strings.sh_offset, strings.sh_size);
  const size_t count = std::min(symbols.size() / sizeof(Elf64_Sym), kMaxSymbols);
  for (size_t i = 0; i < count; ++i) {
    const auto symbol = object<Elf64_Sym>(symbols, i * sizeof(Elf64_Sym));
    if (!symbol || symbol->st_shndx == SHN_UNDEF || symbol->st_name == 0 || symbol->st_name >= names.size()) continue;
    const auto* const start = reinterpret_cast<const char*>(names.data()) + symbol->st_name;
    const size_t length = ::strnlen(start, std::min(kMaxSymbolName, names.size() - symbol->st_name));
    if (length != 0) elf.symbols.emplace_back(std::string(start, length), symbol->st_value);
  }
}

void find_symbols(Bytes file, const Elf64_Ehdr& header, ElfFile& elf) {
  if (header.e_shentsize < sizeof(Elf64_Shdr)) return;
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section = element<Elf64_Shdr>(file, header.e_shoff, header.e_shentsize, i);
    if (!section || section->sh_type != SHT_SYMTAB) continue;
    const auto strings = element<Elf64_Shdr>(file, header.e_shoff, header.e_shentsize, section->sh_link);
    if (strings && section->sh_link < header.e_shnum) add_symbols(file, *section, *strings, elf);
    return;  // a file has one symbol table at most
  }
}

}  // namespace

std::optional<uint64_t> ElfFile::symbol(std::string_view name) const {
  const auto found = std::ranges::find(symbols, name, &std::pair<std::string, uint64_t>::first);
  if (found == symbols.end()) return std::nullopt;
  return found->second;
}

uint64_t ElfFile::physical_entry() const {
  for (const ElfSegment& segment : segments) {
    const uint64_t offset = entry - segment.virtual_address;
    if (offset < segment.memory_size) return segment.physical_address + offset;
  }
  return entry;
}

uint64_t ElfFile::lowest_physical_address() const {
  return std::ranges::min_element(segments, {}, &ElfSegment::physical_address)->physical_address;
}

uint64_t ElfFile::highest_physical_address() const {
  uint64_t highest = 0;
  for (const ElfSegment& segment : segments)
    highest = std::max(highest, segment.physical_address + segment.memory_size);
  return highest;
}

bool is_elf(Bytes file) { return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0; }

hv::Result<ElfFile> parse_elf(Bytes file, uint16_t machine) {
  const auto header = object<Elf64_Ehdr>(file, 0);
  if (!is_elf(file) || !header) return hv::error("not an ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return hv::error("not a 64-bit little-endian ELF file");
  if (header->e_machine != machine)
    return hv::error("an ELF file for another architecture (machine {}, not {})", header->e_machine, machine);
  if (header->e_type != ET_EXEC && header->e_type != ET_DYN) return hv::error("an ELF file that is no executable");
  ElfFile elf;
  elf.entry = header->e_entry;
  TRY(add_segments(file, *header, elf));
  find_symbols(file, *header, elf);
  return elf;
}

}  // namespace vmm
