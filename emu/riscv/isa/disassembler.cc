#include "emu/riscv/isa/disassembler.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "emu/riscv/isa/alias.h"
#include "hv/base/bits.h"

namespace emu::riscv {
namespace {

constexpr Alias kAliases[] = {
#define ALIAS(row, conditions, text) Alias(#row, conditions, text),
#include "emu/riscv/isa/aliases.def"
#undef ALIAS
};

constexpr std::string_view kIntegerNames[] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                              "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                              "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr std::string_view kFloatNames[] = {
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
constexpr std::string_view kRoundingModes[] = {"rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn"};
constexpr std::string_view kFenceSets[] = {"unknown", "w",  "r",  "rw",  "o",  "ow",  "or",  "orw",
                                           "i",       "iw", "ir", "irw", "io", "iow", "ior", "iorw"};
constexpr unsigned kDynamicRounding = 7;

/// The constants of fli, RISC-V Unprivileged, "Zfa", as C's %a prints them.
constexpr std::string_view kFliConstants[] = {
    "-0x1p+0", "min",      "0x1p-16",  "0x1p-15",  "0x1p-8",  "0x1p-7",   "0x1p-4",   "0x1p-3",
    "0x1p-2",  "0x1.4p-2", "0x1.8p-2", "0x1.cp-2", "0x1p-1",  "0x1.4p-1", "0x1.8p-1", "0x1.cp-1",
    "0x1p+0",  "0x1.4p+0", "0x1.8p+0", "0x1.cp+0", "0x1p+1",  "0x1.4p+1", "0x1.8p+1", "0x1p+2",
    "0x1p+3",  "0x1p+4",   "0x1p+7",   "0x1p+8",   "0x1p+15", "0x1p+16",  "inf",      "nan"};
static_assert(std::size(kFliConstants) == 32);

/// Reserved encodings that have a text nevertheless.
struct DataText {
  uint32_t raw;
  std::string_view text;
};
constexpr DataText kIllegalTexts[] = {{0x0000, "unimp"}, {0x6101, "add\tsp,sp,0"}};

struct CsrName {
  uint16_t number;
  std::string_view name;
};
constexpr CsrName kCsrNames[] = {
#define CSR(number, name) {number, #name},
#include "emu/riscv/isa/csr_names.def"
#undef CSR
};
static_assert(std::ranges::is_sorted(kCsrNames, {}, &CsrName::number));

}  // namespace

/// Fills in the text of one instruction.
class InstructionPrinter {
 public:
  InstructionPrinter(Disassembler& state, const Row& row, const Insn& insn, uint64_t pc)
      : state_(state), row_(row), insn_(insn), pc_(pc) {}

  std::string print(std::string_view text) {
    while (!text.empty()) {
      const size_t open = std::min(text.find('{'), text.size());
      for (const char c : text.substr(0, open)) out_ += c == ' ' ? '\t' : c;
      text.remove_prefix(open);
      if (text.empty()) break;
      const size_t close = text.find('}');
      print_operand(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
    }
    return out_ + comment_;
  }

 private:
  struct Operand {
    std::string_view name;
    void (InstructionPrinter::*print)();
  };

  void print_operand(std::string_view name) {
    static constexpr Operand kOperands[] = {
        {"rd", &InstructionPrinter::rd},
        {"rs1", &InstructionPrinter::rs1},
        {"rs2", &InstructionPrinter::rs2},
        {"rs3", &InstructionPrinter::rs3},
        {"imm", &InstructionPrinter::imm},
        {"offset", &InstructionPrinter::offset},
        {"shift", &InstructionPrinter::shift},
        {"upper", &InstructionPrinter::upper},
        {"target", &InstructionPrinter::target},
        {"csr", &InstructionPrinter::csr},
        {"zimm", &InstructionPrinter::zimm},
        {"rm", &InstructionPrinter::rm},
        {"aqrl", &InstructionPrinter::aqrl},
        {"pred", &InstructionPrinter::pred},
        {"succ", &InstructionPrinter::succ},
        {"number", &InstructionPrinter::number},
        {"constant", &InstructionPrinter::constant},
    };
    for (const Operand& operand : kOperands) {
      if (operand.name == name) return (this->*operand.print)();
    }
  }

  template <typename... Values>
  void append(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
  }
  void append_register(RegisterClass kind, unsigned number) {
    out_ += kind == RegisterClass::floating_point ? kFloatNames[number & 31] : kIntegerNames[number & 31];
  }

  void rd() {
    append_register(row_.rd_class, insn_.rd);
    if (row_.op == Op::lui) state_.upper_[insn_.rd & 31] = {true, static_cast<uint64_t>(int64_t{insn_.imm})};
    if (row_.op == Op::auipc) state_.upper_[insn_.rd & 31] = {true, pc_ + static_cast<uint64_t>(int64_t{insn_.imm})};
  }
  void rs1() {
    if (row_.op == Op::jalr) note_address();
    append_register(row_.rs1_class, insn_.rs1);
  }
  void rs2() { append_register(row_.rs2_class, insn_.rs2); }
  void rs3() { append_register(row_.rs3_class, insn_.rs3); }
  void imm() { append("{}", insn_.imm); }
  void shift() { append("0x{:x}", insn_.imm); }
  void upper() { append("0x{:x}", static_cast<uint32_t>(insn_.imm) >> 12); }
  void target() { append("0x{:x}", pc_ + static_cast<uint64_t>(int64_t{insn_.imm})); }
  void zimm() { append("{}", insn_.rs1); }
  void pred() { out_ += kFenceSets[insn_.raw >> 24 & 15]; }
  void succ() { out_ += kFenceSets[insn_.raw >> 20 & 15]; }
  void constant() { out_ += kFliConstants[insn_.rs1 & 31]; }

  void offset() {
    imm();
    note_address();
  }

  /// rs1 plus the immediate is an address: it goes into the comment if it is known.
  void note_address() {
    const bool is_add = row_.op == Op::addi || row_.op == Op::addiw;
    if (is_add ? insn_.rs1 == 0 : row_.is_compressed()) return;
    Disassembler::Upper& upper = state_.upper_[insn_.rs1];
    constexpr unsigned kThreadPointer = 4;
    const bool is_absolute = insn_.rs1 == 0 || insn_.rs1 == kThreadPointer;
    if (!upper.is_known && !is_absolute) return;
    uint64_t address = static_cast<uint64_t>(int64_t{insn_.imm});
    if (upper.is_known && insn_.rs1 != 0) address += upper.value;
    upper.is_known = false;
    if (row_.op == Op::addiw) address = static_cast<uint64_t>(hv::sign_extend(address, 32));
    comment_ = fmt::format(" # 0x{:x}", address);
  }

  void csr() {
    const auto number = static_cast<uint16_t>(insn_.imm);
    const auto* found = std::ranges::lower_bound(kCsrNames, number, {}, &CsrName::number);
    if (found != std::end(kCsrNames) && found->number == number) {
      out_ += found->name;
    } else {
      append("0x{:x}", number);
    }
  }

  void rm() {
    const unsigned mode = insn_.raw >> 12 & 7;
    if (mode != kDynamicRounding) append(",{}", kRoundingModes[mode]);
  }

  void aqrl() {
    static constexpr std::string_view kSuffixes[] = {"", ".rl", ".aq", ".aqrl"};
    out_ += kSuffixes[insn_.raw >> 25 & 3];
  }

  /// The number of a may-be-operation, RISC-V Unprivileged, "Zimop" and "Zcmop".
  void number() {
    const uint32_t raw = insn_.raw;
    if (row_.is_compressed()) return append("{}", hv::bits(raw, 8, 3) << 1 | 1);
    const auto bits = [raw](unsigned low, unsigned count) { return hv::bits(raw, low, count); };
    const bool has_two_sources = row_.op == Op::mop_rr;
    append("{}", has_two_sources ? bits(30, 1) << 2 | bits(26, 2) : bits(30, 1) << 4 | bits(26, 2) << 2 | bits(20, 2));
  }

  Disassembler& state_;
  const Row& row_;
  const Insn& insn_;
  uint64_t pc_;
  std::string out_;
  std::string comment_;
};

std::string Disassembler::next(uint32_t raw, uint64_t pc) {
  Insn insn;
  const Row* row = decode(raw, insn);
  std::string_view text;
  if (row != nullptr) {
    const auto* alias = std::ranges::find_if(kAliases, [&](const Alias& a) { return a.applies(*row, insn); });
    text = alias != std::end(kAliases) ? alias->text : row_of(row->op).text;
  }
  for (const DataText& data : kIllegalTexts) {
    if (row == nullptr && insn.raw == data.raw) return std::string(data.text);
  }
  if (text.empty()) return fmt::format(".{}byte\t0x{:x}", insn.length, insn.raw);
  return InstructionPrinter(*this, *row, insn, pc).print(text);
}

std::string disassemble(uint32_t raw, uint64_t pc) { return Disassembler().next(raw, pc); }

}  // namespace emu::riscv
