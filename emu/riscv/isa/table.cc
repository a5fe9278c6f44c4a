#include "emu/riscv/isa/table.h"

#include <array>

#include "emu/isa/decode_table.h"
#include "emu/riscv/isa/row_builder.h"

namespace emu::riscv {
namespace {

constexpr Row kBaseRows[] = {
#define INSN(op, extension, flow, pattern, text) \
  detail::row32(#op, Op::op, Extension::extension, Flow::flow, pattern, text),
#include "emu/riscv/isa/all.def"
};
static_assert(std::size(kBaseRows) == kOps);

constexpr Row kCompressedRows[] = {
#define CINSN(name, extension, base, pattern, operands) \
  detail::row16(#name, Extension::extension, kBaseRows[static_cast<size_t>(Op::base)], pattern, operands),
#include "emu/riscv/isa/all.def"
};

constexpr auto kRows = [] {
  std::array<Row, kOps + std::size(kCompressedRows)> all{};
  std::ranges::copy(kCompressedRows, std::ranges::copy(kBaseRows, all.begin()).out);
  return all;
}();

/// The major opcode, funct3 and funct7 of a 32-bit encoding.
struct Key32 {
  static constexpr unsigned kBits = 15;
  constexpr uint32_t operator()(uint32_t raw) const noexcept {
    return (raw >> 25) << 8 | (raw >> 12 & 7) << 5 | (raw >> 2 & 31);
  }
};

/// The quadrant and the bits that hold funct3 to funct6 and funct2 of a 16-bit encoding.
struct Key16 {
  static constexpr unsigned kBits = 10;
  constexpr uint32_t operator()(uint32_t raw) const noexcept {
    return (raw >> 10 & 63) << 4 | (raw >> 5 & 3) << 2 | (raw & 3);
  }
};

struct Tables {
  DecodeTable<Row, Key32> words{std::span(kRows).first(kOps)};
  DecodeTable<Row, Key16> halves{std::span(kRows).subspan(kOps)};
};

const Tables& tables() noexcept {
  static const Tables instance;
  return instance;
}

}  // namespace

std::span<const Row> rows() noexcept { return kRows; }

const Row& row_of(Op op) noexcept { return kRows[static_cast<size_t>(op)]; }

const Row* decode(uint32_t raw, Insn& out) noexcept {
  const bool is_word = length_of(raw) == 4;
  if (!is_word) raw &= 0xffff;
  out.raw = raw;
  out.length = is_word ? 4 : 2;
  const auto accept = [raw](const Row& row) { return row.nonzero == 0 || (raw & row.nonzero) != 0; };
  const Row* row = is_word ? tables().words.find(raw, accept) : tables().halves.find(raw, accept);
  if (row == nullptr) return nullptr;
  out.rd = row->rd.read(raw);
  if (out.rd == 0 && row->rd_class == RegisterClass::integer) out.rd = kSinkRegister;
  out.rs1 = row->rs1.read(raw);
  out.rs2 = row->rs2.read(raw);
  out.rs3 = row->rs3.read(raw);
  out.imm = row->immediate.count != 0 ? row->immediate.gather(raw) : row->constant;
  return row;
}

}  // namespace emu::riscv
