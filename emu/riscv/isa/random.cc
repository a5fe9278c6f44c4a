#include "emu/riscv/isa/random.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "emu/riscv/isa/encoder.h"
#include "hv/base/check.h"

namespace emu::riscv {
namespace {

/// Enough for the rarest case, an immediate that must not be one of two in 64; a row that fails as often cannot be
/// encoded.
constexpr int kAttempts = 256;

constexpr uint32_t kX0 = 1;

/// The registers of `set` that `field` can name; those that it implies if it is not in the encoding.
uint32_t reachable(const RegisterField& field, uint32_t set) {
  if (field.mask == 0) return (uint32_t{1} << field.base) & (set | kX0);
  return set & (field.mask == 31 ? ~0u : ((uint32_t{1} << (field.mask + 1)) - 1) << field.base);
}

}  // namespace

RandomEncoder::RandomEncoder(std::mt19937_64& random, const Filter& filter, RegisterSets registers)
    : random_(random), registers_(registers) {
  for (const Row& row : rows()) {
    if (filter != nullptr && !filter(row)) continue;
    bool possible = false;
    for (int i = 0; i < kAttempts && !possible; ++i) possible = draw(row).has_value();
    if (possible) candidates_.push_back(&row);
  }
  CHECK(!candidates_.empty());
}

RandomInstruction RandomEncoder::next() {
  for (;;) {
    const Row& row = *candidates_[random_() % candidates_.size()];
    for (int i = 0; i < kAttempts; ++i) {
      if (const std::optional<uint32_t> raw = draw(row)) return {*raw, &row};
    }
  }
}

std::optional<uint32_t> RandomEncoder::draw(const Row& row) {
  const auto set_of = [&](const RegisterField& field, RegisterClass kind, uint32_t integers) {
    // A field without a class is a constant in a register's place.
    if (kind == RegisterClass::none) return field.mask == 0 ? kX0 : ~0u;
    return reachable(field, kind == RegisterClass::floating_point ? registers_.f : integers);
  };
  uint32_t rd = set_of(row.rd, row.rd_class, registers_.rd);
  uint32_t rs1 = set_of(row.rs1, row.rs1_class, registers_.rs1);
  const uint32_t rs2 = set_of(row.rs2, row.rs2_class, registers_.rs2);
  const uint32_t rs3 = set_of(row.rs3, row.rs3_class, ~0u);
  const bool is_shared = row.rd.mask != 0 && row.rd.field() == row.rs1.field();
  if (is_shared) rd = rs1 = rd & rs1;
  if (rd == 0 || rs1 == 0 || rs2 == 0 || rs3 == 0) return std::nullopt;

  Operands operands;
  operands.rd = pick(rd);
  operands.rs1 = is_shared ? operands.rd : pick(rs1);
  operands.rs2 = pick(rs2);
  operands.rs3 = pick(rs3);
  operands.imm = row.immediate.gather(static_cast<uint32_t>(random_()));
  operands.other = static_cast<uint32_t>(random_());
  if (row.has_rounding_mode) {
    constexpr uint32_t kModes[] = {0, 1, 2, 3, 4, 7};
    operands.other = (operands.other & ~(7u << 12)) | kModes[random_() % std::size(kModes)] << 12;
  }
  return encode(row, operands);
}

uint8_t RandomEncoder::pick(uint32_t set) {
  auto skip = random_() % static_cast<unsigned>(std::popcount(set));
  for (; skip != 0; --skip) set &= set - 1;
  return static_cast<uint8_t>(std::countr_zero(set));
}

RandomEncoder::Filter in_extensions(std::vector<Extension> extensions) {
  return [extensions = std::move(extensions)](const Row& row) {
    return std::ranges::find(extensions, row.extension) != extensions.end();
  };
}

RandomEncoder::Filter with_flow(Flow flow) {
  return [flow](const Row& row) { return row.flow == flow; };
}

}  // namespace emu::riscv
