#include <random>

#include "emu/jit/engine.h"
#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/random.h"
#include "tests/unit/emu/riscv/board.h"

namespace emu::riscv::test {
namespace {

constexpr EngineConfig kJit = {.kind = EngineKind::jit, .jit_cache = 4 << 20, .hot_after = 1};
constexpr uint64_t kData = kRam + 0x10000;

/// A state to start from, the same for both engines.
void prepare(Board& board, uint64_t seed) {
  std::mt19937_64 random(seed);
  HartState& state = board.state();
  for (unsigned i = 1; i < 32; ++i) state.x[i] = random() >> (random() % 64);
  for (unsigned i = 0; i < 32; ++i) state.f[i] = random();
  state.x[3] = kData;
  for (uint64_t i = 0; i < 4096; i += 8) board.put64(kData - 2048 + i, random());
  state.csr.mstatus |= uint64_t{1} << 13;
  board.hart().update_contexts();
}

class JitTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(JitTest, GivesWhatTheInterpreterGives) {
  std::mt19937_64 random(GetParam());
  RegisterSets registers;
  registers.rd = ~(1u << 3);
  RandomEncoder compute(
      random,
      [](const Row& row) {
        return row.flow == Flow::next && row.name.find("sp") == std::string_view::npos &&
               row.name.substr(0, 3) != "cbo" && row.op != Op::wfi;
      },
      registers);
  std::vector<uint32_t> code;
  while (code.size() < 60) {
    const RandomInstruction drawn = compute.next();
    if (drawn.row->is_compressed()) continue;
    Insn decoded;
    const Row* row = decode(drawn.raw, decoded);
    const bool touches_memory = row->text.find('(') != std::string_view::npos;
    if (touches_memory && decoded.rs1 != 3) continue;
    code.push_back(drawn.raw);
  }
  Board interpreted(1, Firmware::guest, nullptr, {});
  Board translated(1, Firmware::guest, nullptr, kJit);
  for (Board* const board : {&interpreted, &translated}) {
    prepare(*board, GetParam());
    uint64_t at = kRam;
    for (const uint32_t word : code) {
      board->put(at, {word});
      at += 4;
    }
    put_stop(*board, at);
    board->run();
  }

  std::string text;
  for (size_t i = 0; i < code.size(); ++i) text += disassemble(code[i], kRam + 4 * i) + "\n";
  for (unsigned i = 0; i < 32; ++i) {
    EXPECT_EQ(interpreted.state().x[i], translated.state().x[i]) << "x" << i << "\n" << text;
    EXPECT_EQ(interpreted.state().f[i], translated.state().f[i]) << "f" << i << "\n" << text;
    if (HasFailure()) break;
  }
  EXPECT_EQ(interpreted.state().pc, translated.state().pc);
  EXPECT_EQ(fp::read_flags(interpreted.state().fp), fp::read_flags(translated.state().fp));
  EXPECT_EQ(interpreted.state().fp_dirty, translated.state().fp_dirty);
  EXPECT_EQ(interpreted.get64(kData), translated.get64(kData));
  EXPECT_GE(translated.group->jit()->stats().blocks, 1u);
}

INSTANTIATE_TEST_SUITE_P(Random, JitTest, ::testing::Range<uint64_t>(0, 200));

/// A loop of `kTimes` loads, in translated code from the first time on.
emu::jit::Counters counters_of_loads(bool counts) {
  EngineConfig engine = kJit;
  engine.counts = counts;
  Board board(1, Firmware::guest, nullptr, engine);
  board.state().x[8] = kData;
  board.state().x[10] = 100;
  board.put(kRam, {insn(Op::ld, {.rd = 11, .rs1 = 8}), insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = -1}),
                   insn(Op::bne, {.rs1 = 10, .rs2 = 0, .imm = -8})});
  put_stop(board, kRam + 12);
  board.run();
  return board.state().jit.counters;
}

TEST(JitCounters, TellHowOftenTheTlbWasAsked) {
  const emu::jit::Counters counters = counters_of_loads(true);
  EXPECT_EQ(counters.tlb.all, 101u);   // the last is the store that ends the run
  EXPECT_EQ(counters.tlb.missed, 2u);  // the first, and that one
}

TEST(JitCounters, OfLookUpsAreKeptOnlyIfTheyAreWanted) {
  const emu::jit::Counters counters = counters_of_loads(false);
  EXPECT_EQ(counters.tlb.all, 0u);
  EXPECT_EQ(counters.loads, 1u);
}

TEST(JitLoopTest, CountsToAMillion) {
  Board board(1, Firmware::guest, nullptr, kJit);
  board.state().x[10] = 1'000'000;
  board.put(kRam, {insn(Op::addi, {.rd = 11, .rs1 = 11, .imm = 3}), insn(Op::addi, {.rd = 10, .rs1 = 10, .imm = -1}),
                   insn(Op::bne, {.rs1 = 10, .rs2 = 0, .imm = -8})});
  put_stop(board, kRam + 12);

  board.run();

  EXPECT_EQ(board.state().x[11], 3'000'000u);
}

}  // namespace
}  // namespace emu::riscv::test
