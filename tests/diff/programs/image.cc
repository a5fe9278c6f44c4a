#include <cstring>
#include <random>
#include <span>

#include "emu/riscv/isa/encoder.h"
#include "hv/base/check.h"
#include "tests/diff/programs/program.h"
#include "tests/diff/programs/registers.h"

namespace tests::diff {
namespace {

using namespace emu::riscv;

constexpr int32_t kFcsr = 3;
/// Slots lie behind the code, which may be this large.
constexpr size_t kMostCode = 4 << 20;

/// Values that have mattered before, among random ones.
uint64_t interesting(std::mt19937_64& random) {
  constexpr uint64_t kValues[] = {0,
                                  1,
                                  2,
                                  ~uint64_t{0},
                                  uint64_t{1} << 63,
                                  (uint64_t{1} << 63) - 1,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0xffffffff80000000,
                                  0x7ff0000000000000,
                                  0xfff0000000000000,
                                  0x7ff8000000000000,
                                  0x7ff0000000000001,
                                  0x000fffffffffffff,
                                  0x3ff0000000000000,
                                  0xbff0000000000000,
                                  0xffffffff7f800000,
                                  0xffffffff7fc00000,
                                  0xffffffff7f800001,
                                  0xffffffff3f800000,
                                  0xffffffff00000001,
                                  0xffffffff80000000,
                                  0xffffffffffff7c00,
                                  0xffffffffffff3c00,
                                  0xffffffffffff0001,
                                  0x43e0000000000000,
                                  0x41dfffffffc00000};
  const uint64_t choice = random();
  if (choice % 4 == 0) return kValues[choice / 4 % std::size(kValues)];
  if (choice % 4 == 1) return random() >> (random() % 64);
  // A double of middling size.
  if (choice % 4 == 2) return (random() & 0x800fffffffffffff) | (1023 - 40 + random() % 80) << 52;
  return random();
}

class Assembler {
 public:
  explicit Assembler(size_t programs) {
    image_.programs = programs;
    image_.slots_offset = kMostCode;
    image_.bytes.resize(kMostCode + programs * sizeof(Slot));
  }

  void program(const Program& program, size_t index) {
    const size_t slot = image_.slots_offset + index * sizeof(Slot);
    begin_state(program, slot);
    enter(slot);
    body(program);
    leave();
  }

  Image finish() {
    constexpr uint8_t a0 = 10, a1 = 11, a2 = 12, a7 = 17;
    constexpr int32_t kWrite = 64, kExit = 93;
    const auto size = static_cast<int32_t>(image_.programs * sizeof(Slot));
    load_address(a1, image_.slots_offset);
    // The rest, where write() takes less than it was given.
    insn(Op::lui, {.rd = a2, .imm = (size + 0x800) & ~0xfff});
    insn(Op::addi, {.rd = a2, .rs1 = a2, .imm = size - ((size + 0x800) & ~0xfff)});
    insn(Op::addi, {.rd = a7, .imm = kWrite});
    insn(Op::addi, {.rd = a0, .imm = 1});
    insn(Op::ecall, {});
    insn(Op::add, {.rd = a1, .rs1 = a1, .rs2 = a0});
    insn(Op::sub, {.rd = a2, .rs1 = a2, .rs2 = a0});
    insn(Op::bne, {.rs1 = a2, .imm = -16});
    insn(Op::addi, {.rd = a0});
    insn(Op::addi, {.rd = a7, .imm = kExit});
    insn(Op::ecall, {});
    CHECK(at_ <= kMostCode);
    return std::move(image_);
  }

 private:
  void raw(uint32_t word, unsigned length) {
    CHECK(at_ + length <= kMostCode);
    std::memcpy(&image_.bytes[at_], &word, length);
    at_ += length;
  }
  void insn(Op op, const Operands& operands) {
    const auto word = encode(row_of(op), operands);
    CHECK(word.has_value());
    raw(*word, 4);
  }
  void load_address(uint8_t rd, size_t offset) {
    const auto distance = static_cast<int32_t>(offset - at_);
    const int32_t upper = (distance + 0x800) & ~0xfff;
    insn(Op::auipc, {.rd = rd, .imm = upper});
    insn(Op::addi, {.rd = rd, .rs1 = rd, .imm = distance - upper});
  }

  void begin_state(const Program& program, size_t slot_offset) {
    std::mt19937_64 random(program.seed * 0x9e3779b97f4a7c15 + 1);
    Slot slot{};
    for (uint64_t& value : slot.before.x) value = interesting(random);
    for (uint64_t& value : slot.before.f) value = interesting(random);
    for (uint64_t& value : slot.memory) value = interesting(random);
    slot.before.fcsr = random() % 5 << 5;
    const uint64_t middle = Image::kBase + slot_offset + offsetof(Slot, memory) + sizeof(slot.memory) / 2;
    for (unsigned i = 0; i < 32; ++i) {
      if ((kPointers >> i & 1) != 0) slot.before.x[i] = middle;
    }
    std::memcpy(&image_.bytes[slot_offset], &slot, sizeof slot);
  }

  void enter(size_t slot) {
    load_address(kSlot, slot);
    insn(Op::ld, {.rd = 1, .rs1 = kSlot, .imm = offsetof(Slot, before.fcsr)});
    insn(Op::csrrw, {.rs1 = 1, .imm = kFcsr});
    for (uint8_t i = 0; i < 32; ++i)
      insn(Op::fld, {.rd = i, .rs1 = kSlot, .imm = static_cast<int32_t>(offsetof(Slot, before.f) + 8u * i)});
    for (uint8_t i = 1; i < 32; ++i) {
      if (i != kSlot)
        insn(Op::ld, {.rd = i, .rs1 = kSlot, .imm = static_cast<int32_t>(offsetof(Slot, before.x) + 8u * i)});
    }
  }

  void body(const Program& program) {
    const size_t begin = at_;
    std::vector<size_t> offsets;
    size_t offset = 0;
    for (const Item& item : program.items) {
      offsets.push_back(offset);
      offset += item.length;
    }
    offsets.push_back(offset);
    for (size_t i = 0; i < program.items.size(); ++i) {
      const Item& item = program.items[i];
      if (item.target == Item::kNoTarget) {
        raw(item.raw, item.length);
        continue;
      }
      emu::Insn decoded;
      const Row* const row = decode(item.raw, decoded);
      const size_t target = offsets[std::min(item.target, program.items.size())];
      const auto distance = static_cast<int32_t>(target - offsets[i]);
      const uint8_t rd = decoded.rd == kSinkRegister ? uint8_t{0} : decoded.rd;
      insn(row->op, {.rd = rd, .rs1 = decoded.rs1, .rs2 = decoded.rs2, .imm = distance});
    }
    CHECK(at_ == begin + offset);
  }

  void leave() {
    for (uint8_t i = 1; i < 32; ++i)
      insn(Op::sd, {.rs1 = kSlot, .rs2 = i, .imm = static_cast<int32_t>(offsetof(Slot, after.x) + 8u * i)});
    for (uint8_t i = 0; i < 32; ++i)
      insn(Op::fsd, {.rs1 = kSlot, .rs2 = i, .imm = static_cast<int32_t>(offsetof(Slot, after.f) + 8u * i)});
    insn(Op::csrrs, {.rd = 1, .imm = kFcsr});
    insn(Op::sd, {.rs1 = kSlot, .rs2 = 1, .imm = offsetof(Slot, after.fcsr)});
    // Compressed instructions may have left the next program at an odd halfword.
    if (at_ % 4 != 0) raw(0x0001, 2);
  }

  Image image_;
  size_t at_ = 0;
};

/// ELF-64, System V ABI, chapters 4 and 5: the least that a loader takes.
struct ElfFile {
  uint8_t magic[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  uint16_t type = 2;       // executable
  uint16_t machine = 243;  // RISC-V
  uint32_t version = 1;
  uint64_t entry = Image::kBase;
  uint64_t program_headers = 64;
  uint64_t section_headers = 0;
  uint32_t flags = 5;  // RVC, double-precision ABI
  uint16_t header_size = 64;
  uint16_t program_header_size = 56;
  uint16_t program_header_count = 1;
  uint16_t section_header_size = 0;
  uint16_t section_header_count = 0;
  uint16_t section_names = 0;
  // The one program header.
  uint32_t segment_type = 1;   // load
  uint32_t segment_flags = 7;  // read, write, execute
  uint64_t offset = 4096;
  uint64_t virtual_address = Image::kBase;
  uint64_t physical_address = Image::kBase;
  uint64_t file_size = 0;
  uint64_t memory_size = 0;
  uint64_t alignment = 4096;
};
static_assert(sizeof(ElfFile) == 64 + 56);

}  // namespace

Image make_image(const std::vector<Program>& programs) {
  Assembler assembler(programs.size());
  for (size_t i = 0; i < programs.size(); ++i) assembler.program(programs[i], i);
  return assembler.finish();
}

std::vector<std::byte> make_elf(const Image& image) {
  ElfFile header;
  header.file_size = header.memory_size = image.bytes.size();
  std::vector<std::byte> file(header.offset + image.bytes.size());
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(&file[header.offset], image.bytes.data(), image.bytes.size());
  return file;
}

}  // namespace tests::diff
