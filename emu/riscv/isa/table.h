#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "emu/isa/insn.h"
#include "emu/isa/pattern.h"
#include "emu/riscv/isa/extension.h"
#include "emu/riscv/isa/op.h"

/// The RV64 instruction table (*.def) and its decoder.
///
/// Letters in the patterns of 32-bit rows: d, s, t are rd, rs1, rs2 of integers, D, S, T, R the floating-point rd, rs1,
/// rs2, rs3; i, w, b, u, j are the immediates of the formats I, S, B, U, J; k a shift amount, c a CSR number, z a 5-bit
/// constant in place of rs1, o the offset of a prefetch. Semantics read the rest from Insn::raw: m rounding mode, a and
/// l the bits aq and rl, p and q predecessor and successor sets, n the number of a may-be-operation.
namespace emu::riscv {

/// How an instruction passes control on. `system` ends its block and runs in a helper that sets pc itself.
enum class Flow : uint8_t { next, branch, jump, jump_register, system };

/// The register that replaces x0 as a destination: writes to it are never read.
inline constexpr uint8_t kSinkRegister = 32;

enum class RegisterClass : uint8_t { none, integer, floating_point };

/// One row: an encoding and what it decodes to.
struct Row {
  std::string_view name;  ///< the identifier in the table: an Op's, or that of a compressed encoding
  std::string_view text;  ///< assembly text; a compressed row's operands
  Op op{};
  Flow flow{};
  Extension extension{};
  uint8_t length = 0;  ///< bytes
  uint32_t mask = 0;
  uint32_t match = 0;
  uint32_t ignored = 0;  ///< bits that have no meaning to the decoder
  uint32_t nonzero = 0;  ///< bits that must not all be 0; 0 if there is no such rule
  RegisterField rd{};
  RegisterField rs1{};
  RegisterField rs2{};
  RegisterField rs3{};
  RegisterClass rd_class{};
  RegisterClass rs1_class{};
  RegisterClass rs2_class{};
  RegisterClass rs3_class{};
  ImmediateLayout immediate{};
  int32_t constant = 0;  ///< the immediate when `immediate` has no bits

  bool has_rounding_mode = false;  ///< bits 14:12 are one

  constexpr bool is_compressed() const noexcept { return length == 2; }
};

/// All rows: first one for each Op, in the order of Op, then the compressed encodings.
std::span<const Row> rows() noexcept;
const Row& row_of(Op op) noexcept;

/// Bytes of the instruction whose lowest 16 bits are given. Encodings longer than 32 bits count as 4: they are illegal.
constexpr unsigned length_of(uint32_t raw) noexcept { return (raw & 3) == 3 ? 4 : 2; }

/// Fills in the operands, `raw` and `length` of `out` and returns the row, or nullptr if the encoding is illegal
/// (length and raw are set all the same). `raw` may have anything above a 16-bit encoding. The immediate is the value
/// that the instruction means: shifted for lui and auipc, in bytes for jumps; a CSR number; a shift amount. Operands
/// that the instruction lacks are 0.
const Row* decode(uint32_t raw, Insn& out) noexcept;

}  // namespace emu::riscv
