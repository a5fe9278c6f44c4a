#pragma once

#include <string_view>

#include "emu/riscv/isa/table.h"

/// Turns the text of a table row into a Row, at compile time.
namespace emu::riscv::detail {

/// The 32-bit formats' immediates, by their letter in patterns.
struct ImmediateFormat {
  char letter;
  std::string_view bits;
  bool is_signed;
};
inline constexpr ImmediateFormat kImmediateFormats[] = {
    {'i', "11:0", true},
    {'w', "11:0", true},
    {'b', "12|10:5|4:1|11", true},
    {'u', "31:12", true},
    {'j', "20|10:1|11|19:12", true},
    {'c', "11:0", false},
    {'o', "11:5", true},
};

consteval Row row32(std::string_view name, Op op, Extension extension, Flow flow, std::string_view pattern_text,
                    std::string_view text) {
  const Pattern pattern(pattern_text);
  if (pattern.width != 32 || (pattern.match & 3) != 3)
    emu::detail::malformed_instruction_table("INSN rows are 32-bit encodings");
  Row row{.name = name, .text = text, .op = op, .flow = flow, .extension = extension, .length = 4};
  row.mask = pattern.mask;
  row.match = pattern.match;
  row.ignored = pattern.ignored;
  const auto use = [&](RegisterField& field, RegisterClass& kind, char integer, char floating_point, uint8_t shift) {
    if (!pattern.has(integer) && !pattern.has(floating_point)) return;
    if (((pattern.field(integer) | pattern.field(floating_point)) & ~(uint32_t{31} << shift)) != 0) {
      emu::detail::malformed_instruction_table("a register is in the wrong place");
    }
    field = {shift, 31, 0};
    kind = pattern.has(integer) ? RegisterClass::integer : RegisterClass::floating_point;
  };
  use(row.rd, row.rd_class, 'd', 'D', 7);
  use(row.rs1, row.rs1_class, 's', 'S', 15);
  use(row.rs2, row.rs2_class, 't', 'T', 20);
  use(row.rs3, row.rs3_class, 'r', 'R', 27);
  row.has_rounding_mode = pattern.has('m');
  if (pattern.has('z')) row.rs1 = {15, 31, 0};
  for (const ImmediateFormat& format : kImmediateFormats) {
    if (pattern.has(format.letter))
      row.immediate = ImmediateLayout(format.bits, format.is_signed, pattern.field(format.letter));
  }
  if (pattern.has('k')) {
    const bool is_word = std::popcount(pattern.field('k')) == 5;
    row.immediate = ImmediateLayout(is_word ? "4:0" : "5:0", false, pattern.field('k'));
  }
  return row;
}

/// Reads the operands of a compressed row; see rv_c.def.
class CompressedOperands {
 public:
  consteval CompressedOperands(Row& row, const Pattern& pattern, const Row& base, std::string_view text)
      : row_(row), pattern_(pattern), base_(base) {
    while (!text.empty()) {
      const size_t end = text.find(' ');
      read(text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
  }

 private:
  consteval void read(std::string_view token) {
    if (token.ends_with("!=0")) {
      row_.nonzero = pattern_.field(token[0]);
    } else if (token.starts_with("imm=")) {
      row_.constant = number(token.substr(4));
    } else if (token.starts_with("imm[")) {
      row_.immediate = ImmediateLayout(token.substr(4, token.size() - 5), true, pattern_.field('i'));
    } else if (token.starts_with("uimm[")) {
      row_.immediate = ImmediateLayout(token.substr(5, token.size() - 6), false, pattern_.field('i'));
    } else if (token.starts_with("rd")) {
      row_.rd = register_field(token.substr(2));
      row_.rd_class = base_.rd_class;
    } else if (token.starts_with("rs1")) {
      row_.rs1 = register_field(token.substr(3));
      row_.rs1_class = base_.rs1_class;
    } else if (token.starts_with("rs2")) {
      row_.rs2 = register_field(token.substr(3));
      row_.rs2_class = base_.rs2_class;
    } else {
      emu::detail::malformed_instruction_table("unknown operand of a compressed instruction");
    }
  }

  /// "=d", "'=d" or "=2".
  consteval RegisterField register_field(std::string_view text) {
    const bool is_short = text[0] == '\'';
    const std::string_view value = text.substr(is_short ? 2 : 1);
    if (value[0] >= '0' && value[0] <= '9') return {0, 0, static_cast<uint8_t>(number(value))};
    const uint32_t field = pattern_.field(value[0]);
    if (std::popcount(field) != (is_short ? 3 : 5))
      emu::detail::malformed_instruction_table("a register field has the wrong length");
    const auto shift = static_cast<uint8_t>(std::countr_zero(field));
    return is_short ? RegisterField{shift, 7, 8} : RegisterField{shift, 31, 0};
  }

  static consteval int number(std::string_view text) {
    const bool is_negative = text[0] == '-';
    int value = 0;
    for (const char c : text.substr(is_negative ? 1 : 0)) value = value * 10 + (c - '0');
    return is_negative ? -value : value;
  }

  Row& row_;
  const Pattern& pattern_;
  const Row& base_;
};

consteval Row row16(std::string_view name, Extension extension, const Row& base, std::string_view pattern_text,
                    std::string_view operands) {
  const Pattern pattern(pattern_text);
  if (pattern.width != 16 || (pattern.match & 3) == 3)
    emu::detail::malformed_instruction_table("CINSN rows are 16-bit encodings");
  Row row{.name = name, .text = operands, .op = base.op, .flow = base.flow, .extension = extension, .length = 2};
  row.mask = pattern.mask;
  row.match = pattern.match;
  row.ignored = pattern.ignored;
  CompressedOperands(row, pattern, base, operands);
  return row;
}

}  // namespace emu::riscv::detail
