#include "emu/riscv/jit/trace.h"

#include <fmt/format.h>

#include "emu/ir/ir.h"
#include "emu/jit/backend.h"
#include "emu/jit/block.h"
#include "emu/jit/perf_map.h"
#include "emu/riscv/isa/disassembler.h"

namespace emu::riscv::jit {

std::string describe(const emu::ir::Block& ir, const emu::jit::Block& block) {
  std::string text = fmt::format("block {}: {} instructions, {} bytes of guest code, {} of host code\n",
                                 symbol_of(block), block.insns.size(), block.guest_bytes, block.host_bytes);
  Disassembler disassembler;
  uint64_t pc = block.pc;
  for (const Insn& insn : block.insns) {
    text += fmt::format("{:3}  {:x}\t{}\n", insn.index, pc, disassembler.next(insn.raw, pc));
    pc += insn.length;
  }
  text += "IR\n" + emu::ir::print(ir);
  text += "host code\n" + emu::jit::backend::disassemble({block.entry, block.host_bytes});
  return text;
}

hv::Result<std::unique_ptr<Trace>> Trace::create(const std::string& path) {
  std::FILE* const file = path == "-" ? stderr : std::fopen(path.c_str(), "we");
  if (file == nullptr) return hv::os_error("cannot write to {}", path);
  return std::unique_ptr<Trace>(new Trace(file));
}

void Trace::translated(const emu::ir::Block& ir, const emu::jit::Block& block) noexcept {
  std::fputs((describe(ir, block) + "\n").c_str(), file_.get());
}

}  // namespace emu::riscv::jit
