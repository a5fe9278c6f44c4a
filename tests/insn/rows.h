#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "emu/riscv/isa/encoder.h"
#include "emu/riscv/isa/table.h"
#include "hv/base/result.h"

/// Instruction tests as rows of text, for every engine to run: the files *.rows, whose form README.md describes.
namespace tests::insn {

/// A number, or a distance from the test memory or from the instruction.
struct Value {
  enum class Base : uint8_t { number, memory, pc };

  Base base = Base::number;
  uint64_t offset = 0;

  constexpr uint64_t resolve(uint64_t memory, uint64_t pc) const {
    return offset + (base == Base::memory ? memory : base == Base::pc ? pc : 0);
  }
};

/// Bytes of test memory, which are aligned to as much.
inline constexpr size_t kMemorySize = 128;
using Memory = std::array<uint64_t, kMemorySize / 8>;

struct CsrValue {
  uint16_t number;
  uint64_t value;
};

/// One instruction, the state before it and the state after it. Registers that a row does not name hold 0 before.
struct InsnRow {
  std::string origin;  ///< "file:line"
  std::string text;    ///< the line
  const emu::riscv::Row* row = nullptr;
  uint32_t raw = 0;
  emu::riscv::Operands operands;  ///< the registers by number, with rd 0 where the encoding implies it

  Value rs1;
  Value rs2;
  Value rs3;
  uint64_t rs2_high = 0;  ///< the register after rs2, of a pair
  uint64_t rd_before = 0;
  uint64_t rd_high_before = 0;
  Memory memory{};
  unsigned frm = 0;
  char mode = 'm';           ///< privilege: m, s or u
  bool is_reserved = false;  ///< a load-reserved of the same width ran on the address in rs1 just before
  std::vector<CsrValue> csrs_before;

  /// Nothing: not looked at (there is no rd, or it cannot be known).
  std::optional<Value> rd;
  std::optional<uint64_t> rd_high;
  Memory memory_after{};
  unsigned fflags = 0;
  Value pc;                      ///< relative to the instruction unless the row says otherwise
  std::optional<unsigned> trap;  ///< exception code; then only CSRs are looked at
  std::vector<CsrValue> csrs_after;

  bool writes_float() const { return row->rd_class == emu::riscv::RegisterClass::floating_point; }
};

/// The rows of `text`, or the first mistake with its place. `name` is what to call the file.
hv::Result<std::vector<InsnRow>> parse_rows(std::string_view text, std::string_view name);

/// The rows of all files *.rows in this folder.
hv::Result<std::vector<InsnRow>> all_rows();

}  // namespace tests::insn
