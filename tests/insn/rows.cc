#include "tests/insn/rows.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

namespace tests::insn {
namespace {

using emu::riscv::Row;

struct CsrName {
  std::string_view name;
  uint16_t number;
};
constexpr CsrName kCsrNames[] = {
#define CSR(number, name) {#name, number},
#include "emu/riscv/isa/csr_names.def"
#undef CSR
};

/// Integer registers x10 to x15, so that compressed encodings and pairs can have them; the same numbers for floating
/// point.
constexpr emu::riscv::Operands kRegisters = {.rd = 10, .rs1 = 14, .rs2 = 12, .rs3 = 16, .imm = 0, .other = 0};

std::optional<uint64_t> parse_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return is_negative ? ~value + 1 : value;
}

/// `value`, which the format can hold exactly, in binary16.
uint64_t half_bits(double value) {
  if (std::isnan(value)) return 0x7e00;
  const uint64_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (std::isinf(value)) return sign | 0x7c00;
  if (magnitude == 0) return sign;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent - 1, -14);
  const auto significand = static_cast<uint64_t>(std::ldexp(magnitude, 10 - exponent));
  return sign | (significand + (static_cast<uint64_t>(exponent + 14) << 10));
}

std::optional<uint64_t> parse_float(char format, std::string_view text) {
  const std::string number(text);
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (end != number.c_str() + number.size()) return std::nullopt;
  if (format == 'h') return 0xffffffffffff0000 | half_bits(value);
  if (format == 's') {
    const uint32_t bits =
        std::isnan(value) ? 0x7fc00000 : std::bit_cast<uint32_t>(std::strtof(number.c_str(), nullptr));
    return 0xffffffff00000000 | bits;
  }
  return std::isnan(value) ? 0x7ff8000000000000 : std::bit_cast<uint64_t>(value);
}

std::optional<Value> parse_value(std::string_view text) {
  Value value;
  std::optional<uint64_t> number;
  if (text.size() > 2 && text[1] == ':') {
    number = parse_float(text[0], text.substr(2));
  } else if (text.starts_with("mem") || text.starts_with("pc")) {
    const size_t length = text.starts_with("pc") ? 2 : 3;
    value.base = length == 2 ? Value::Base::pc : Value::Base::memory;
    text.remove_prefix(length);
    if (text.starts_with('+')) text.remove_prefix(1);
    number = text.empty() ? 0 : parse_number(text);
  } else {
    number = parse_number(text);
  }
  if (!number) return std::nullopt;
  value.offset = *number;
  return value;
}

bool parse_memory(std::string_view text, Memory& memory) {
  memory = {};
  for (uint64_t& word : memory) {
    const size_t end = text.find(',');
    const std::optional<Value> value = parse_value(text.substr(0, end));
    if (!value) return false;
    word = value->offset;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

bool parse_csr(std::string_view name, uint64_t value, std::vector<CsrValue>& csrs) {
  const auto* found = std::ranges::find(kCsrNames, name, &CsrName::name);
  if (found == std::end(kCsrNames)) return false;
  csrs.push_back({found->number, value});
  return true;
}

/// Reads one line into a row. Each function returns false if it does not understand.
class LineParser {
 public:
  explicit LineParser(InsnRow& row) : row_(row) {}

  bool input(std::string_view key, std::string_view text) {
    if (key == "mode") return text.size() == 1 && (row_.mode = text[0], true);
    if (key == "mem") return parse_memory(text, row_.memory);
    const std::optional<Value> value = parse_value(text);
    if (!value) return false;
    if (key.starts_with("csr.")) return parse_csr(key.substr(4), value->offset, row_.csrs_before);
    if (key == "rs1") return row_.rs1 = *value, true;
    if (key == "rs2") return row_.rs2 = *value, true;
    if (key == "rs3") return row_.rs3 = *value, true;
    const uint64_t number = value->offset;
    if (key == "rs2h") return row_.rs2_high = number, true;
    if (key == "rd") return row_.rd_before = number, true;
    if (key == "rdh") return row_.rd_high_before = number, true;
    if (key == "imm") return operands_.imm = static_cast<int32_t>(number), true;
    if (key == "zimm") return zimm_ = static_cast<uint8_t>(number), true;
    if (key == "rm") return operands_.other |= static_cast<uint32_t>(number << 12), true;
    if (key == "bits") return operands_.other |= static_cast<uint32_t>(number), true;
    if (key == "reserved") return row_.is_reserved = number != 0, true;
    if (key == "frm") return row_.frm = static_cast<unsigned>(number), true;
    return false;
  }

  bool output(std::string_view key, std::string_view text) {
    if (key == "mem") return parse_memory(text, row_.memory_after);
    const std::optional<Value> value = parse_value(text);
    if (!value) return false;
    if (key.starts_with("csr.")) return parse_csr(key.substr(4), value->offset, row_.csrs_after);
    if (key == "rd") return row_.rd = value, true;
    if (key == "rdh") return row_.rd_high = value->offset, true;
    if (key == "fflags") return row_.fflags = static_cast<unsigned>(value->offset), true;
    if (key == "pc") return row_.pc = *value, true;
    if (key == "trap") return row_.trap = static_cast<unsigned>(value->offset), true;
    return false;
  }

  /// Chooses the registers and encodes.
  bool encode() {
    const Row& row = *row_.row;
    const auto number = [](const emu::RegisterField& field, uint8_t usual) {
      return field.mask == 0 ? field.base : usual;
    };
    operands_.rd = number(row.rd, kRegisters.rd);
    const bool is_shared = row.rd.mask != 0 && row.rd.field() == row.rs1.field();
    operands_.rs1 = is_shared ? operands_.rd : number(row.rs1, kRegisters.rs1);
    operands_.rs2 = number(row.rs2, kRegisters.rs2);
    operands_.rs3 = number(row.rs3, kRegisters.rs3);
    if (row.rs1_class == emu::riscv::RegisterClass::none && row.rs1.mask != 0) operands_.rs1 = zimm_;
    const std::optional<uint32_t> raw = emu::riscv::encode(row, operands_);
    row_.raw = raw.value_or(0);
    row_.operands = operands_;
    return raw.has_value();
  }

 private:
  InsnRow& row_;
  emu::riscv::Operands operands_{};
  uint8_t zimm_ = 0;
};

std::string parse_line(const std::string& line, InsnRow& row) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  const auto found = std::ranges::find(emu::riscv::rows(), word, &Row::name);
  if (found == emu::riscv::rows().end()) return fmt::format("no instruction '{}'", word);
  row.row = &*found;
  row.pc = {Value::Base::pc, row.row->length};
  LineParser parser(row);
  bool is_after = false;
  while (words >> word) {
    if (word == "->") {
      is_after = true;
      row.memory_after = row.memory;
      continue;
    }
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return fmt::format("'{}' is not key=value", word);
    const std::string_view key = std::string_view(word).substr(0, equals);
    const std::string_view value = std::string_view(word).substr(equals + 1);
    if (!(is_after ? parser.output(key, value) : parser.input(key, value)))
      return fmt::format("cannot read '{}'", word);
  }
  if (!is_after) return "'->' is missing";
  if (!parser.encode()) return "no such encoding";
  const bool has_destination = row.row->rd_class != emu::riscv::RegisterClass::none && row.operands.rd != 0;
  if (has_destination && !row.rd && !row.trap) return "rd is missing";
  return {};
}

}  // namespace

hv::Result<std::vector<InsnRow>> parse_rows(std::string_view text, std::string_view name) {
  std::vector<InsnRow> rows;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    InsnRow row;
    row.origin = fmt::format("{}:{}", name, number);
    row.text = line;
    if (const std::string mistake = parse_line(line, row); !mistake.empty()) {
      return hv::error("{}: {}", row.origin, mistake);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

hv::Result<std::vector<InsnRow>> all_rows() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(VIREO_INSN_ROWS)) {
    if (entry.path().extension() == ".rows") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<InsnRow> rows;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    std::vector<InsnRow> more = TRY(parse_rows(text, file.filename().string()));
    std::ranges::move(more, std::back_inserter(rows));
  }
  return rows;
}

}  // namespace tests::insn
