// Decoding and disassembling RV64: random instances of every table row, so that the decode tables are as cold as they
// get.

#include <cstdint>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/random.h"

namespace {

std::vector<uint32_t> random_instructions() {
  std::mt19937_64 random(1);
  emu::riscv::RandomEncoder encoder(random);
  std::vector<uint32_t> instructions(1 << 14);
  for (uint32_t& raw : instructions) raw = encoder.next().raw;
  return instructions;
}

void decode(benchmark::State& state) {
  const std::vector<uint32_t> instructions = random_instructions();
  size_t i = 0;
  emu::Insn insn;
  for (auto _ : state) {
    benchmark::DoNotOptimize(emu::riscv::decode(instructions[i++ % instructions.size()], insn));
    benchmark::DoNotOptimize(insn);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode);

void disassemble(benchmark::State& state) {
  const std::vector<uint32_t> instructions = random_instructions();
  emu::riscv::Disassembler disassembler;
  uint64_t pc = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(disassembler.next(instructions[pc % instructions.size()], pc));
    ++pc;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(disassemble);

}  // namespace
