#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "emu/riscv/isa/table.h"

namespace emu::riscv {

/// What aliases' conditions compare.
enum class AliasField : uint8_t { rd, rs1, rs2, imm, rm, pred, succ, ignored };
inline constexpr std::string_view kAliasFields[] = {"rd", "rs1", "rs2", "imm", "rm", "pred", "succ", "ignored"};

/// An alternative text for an instruction whose operands fulfil all conditions; see aliases.def.
struct Alias {
  struct Condition {
    AliasField left{};
    bool is_equal = true;
    bool compares_fields = false;
    AliasField right{};
    int32_t value = 0;
  };

  std::string_view name;  ///< of the row
  std::string_view text;
  std::array<Condition, 4> conditions{};
  unsigned count = 0;

  consteval Alias(std::string_view row_name, std::string_view condition_text, std::string_view alias_text)
      : name(row_name), text(alias_text) {
    while (!condition_text.empty()) {
      const size_t end = condition_text.find(' ');
      conditions[count++] = condition(condition_text.substr(0, end));
      condition_text = end == std::string_view::npos ? std::string_view{} : condition_text.substr(end + 1);
    }
  }

  bool applies(const Row& row, const Insn& insn) const noexcept {
    if (row.name != name && (!row.is_compressed() || row_of(row.op).name != name)) return false;
    for (unsigned i = 0; i < count; ++i) {
      const Condition& c = conditions[i];
      const int32_t right = c.compares_fields ? value_of(c.right, row, insn) : c.value;
      if ((value_of(c.left, row, insn) == right) != c.is_equal) return false;
    }
    return true;
  }

 private:
  static int32_t value_of(AliasField field, const Row& row, const Insn& insn) noexcept {
    switch (field) {
      case AliasField::rd:
        return insn.rd & 31;
      case AliasField::rs1:
        return insn.rs1;
      case AliasField::rs2:
        return insn.rs2;
      case AliasField::imm:
        return insn.imm;
      case AliasField::rm:
        return insn.raw >> 12 & 7;
      case AliasField::pred:
        return insn.raw >> 24 & 15;
      case AliasField::succ:
        return insn.raw >> 20 & 15;
      case AliasField::ignored:
        return static_cast<int32_t>(insn.raw & row.ignored);
    }
    return 0;
  }

  static consteval Condition condition(std::string_view text) {
    const size_t equals = text.find('=');
    Condition result;
    result.is_equal = text[equals - 1] != '!';
    result.left = field(text.substr(0, result.is_equal ? equals : equals - 1));
    const std::string_view right = text.substr(equals + 1);
    result.compares_fields = right[0] >= 'a' && right[0] <= 'z';
    if (result.compares_fields) {
      result.right = field(right);
    } else {
      result.value = number(right);
    }
    return result;
  }

  static consteval AliasField field(std::string_view name) {
    for (size_t i = 0; i < std::size(kAliasFields); ++i) {
      if (kAliasFields[i] == name) return static_cast<AliasField>(i);
    }
    emu::detail::malformed_instruction_table("unknown field in a condition");
    return {};
  }

  static consteval int32_t number(std::string_view text) {
    const bool is_negative = text[0] == '-';
    if (is_negative) text.remove_prefix(1);
    const int32_t base = text.starts_with("0x") ? 16 : 10;
    if (base == 16) text.remove_prefix(2);
    int32_t value = 0;
    for (const char c : text) value = value * base + (c <= '9' ? c - '0' : c - 'a' + 10);
    return is_negative ? -value : value;
  }
};

}  // namespace emu::riscv
