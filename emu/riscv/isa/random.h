#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "emu/riscv/isa/table.h"

namespace emu::riscv {

/// The registers that a random instruction may name, as bit sets by number. x0 is always allowed where an encoding
/// implies it.
struct RegisterSets {
  uint32_t rd = ~0u;
  uint32_t rs1 = ~0u;
  uint32_t rs2 = ~0u;
  uint32_t f = ~0u;  ///< every floating-point operand
};

/// A random instruction and its row.
struct RandomInstruction {
  uint32_t raw;
  const Row* row;
};

/// Draws random valid encodings: rows with equal chances, then their operands. Rounding modes are valid ones. Not
/// thread-safe.
class RandomEncoder {
 public:
  using Filter = std::function<bool(const Row&)>;

  /// Draws from the rows that `filter` accepts and that can be encoded with `registers`; there must be one. `random`
  /// must outlive it.
  explicit RandomEncoder(std::mt19937_64& random, const Filter& filter = nullptr, RegisterSets registers = {});

  RandomInstruction next();

  std::span<const Row* const> candidates() const noexcept { return candidates_; }

 private:
  std::optional<uint32_t> draw(const Row& row);
  uint8_t pick(uint32_t set);

  std::mt19937_64& random_;
  RegisterSets registers_;
  std::vector<const Row*> candidates_;
};

/// Rows of the given extensions; rows whose flow is the given one.
RandomEncoder::Filter in_extensions(std::vector<Extension> extensions);
RandomEncoder::Filter with_flow(Flow flow);

}  // namespace emu::riscv
