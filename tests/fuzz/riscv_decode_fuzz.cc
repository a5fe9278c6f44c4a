#include <cstddef>
#include <cstdint>
#include <cstring>

#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/encoder.h"
#include "hv/base/check.h"

/// Any bytes are a program: it is disassembled, and what decodes encodes back to itself.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace emu::riscv;
  Disassembler disassembler;
  for (size_t pc = 0; pc + 2 <= size;) {
    uint32_t raw = 0;
    std::memcpy(&raw, data + pc, pc + 4 <= size ? 4 : 2);
    CHECK(!disassembler.next(raw, pc).empty());
    emu::Insn insn;
    if (const Row* row = decode(raw, insn)) {
      CHECK(insn.rd <= kSinkRegister && insn.rs1 < 32 && insn.rs2 < 32 && insn.rs3 < 32);
      const auto rd = static_cast<uint8_t>(insn.rd & 31);
      const bool is_canonical = (insn.raw & row->ignored) == 0;
      CHECK(!is_canonical || encode(*row, {rd, insn.rs1, insn.rs2, insn.rs3, insn.imm, insn.raw}) == insn.raw);
    }
    pc += insn.length;
  }
  return 0;
}
