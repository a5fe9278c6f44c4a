#pragma once

#include <cstdint>
#include <vector>

#include "emu/riscv/isa/encoder.h"

namespace bench {

/// Bare-metal code as it is written: 16-bit and 32-bit instructions one after the other, branches to earlier or later
/// places by their offset.
class GuestProgram {
 public:
  /// An offset in bytes from the start.
  using Place = int32_t;

  Place here() const { return static_cast<Place>(bytes_.size()); }
  void op(emu::riscv::Op op, const emu::riscv::Operands& operands);
  /// The same instruction in 16 bits.
  void short_op(emu::riscv::Op op, const emu::riscv::Operands& operands);
  /// A branch or jump to a place that is known.
  void to(Place target, emu::riscv::Op op, emu::riscv::Operands operands);
  /// Room for a 32-bit branch or jump that `land` completes.
  Place forward();
  /// The branch or jump at `from` goes to here.
  void land(Place from, emu::riscv::Op op, emu::riscv::Operands operands);

  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  void append(uint32_t raw, size_t size);

  std::vector<uint8_t> bytes_;
};

/// A program that does one kind of work `x10` times and falls off its end. x2 is a stack, x11 a buffer of kBufferSize.
struct GuestLoop {
  const char* name;
  void (*write)(GuestProgram&);
  uint64_t times;  ///< for about ten million instructions
};

inline constexpr uint64_t kBufferSize = 64 << 10;

const std::vector<GuestLoop>& guest_loops();

}  // namespace bench
