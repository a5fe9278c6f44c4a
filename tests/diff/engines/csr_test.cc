#include <array>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/isa/disassembler.h"
#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/riscv/privileged.h"

/// Random accesses to the registers that S-mode's trap handlers use, by programs in S-mode, which also raise software
/// interrupts and write floating-point registers: interrupts are taken at the same instructions, and all is the same.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using emu::riscv::test::Board;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;

constexpr uint64_t kMachineHandler = kRam + 0x1000;
constexpr uint64_t kSupervisorHandler = kRam + 0x2000;
constexpr int32_t kSstatus = 0x100, kSip = 0x144, kMepc = 0x341;
constexpr std::array<int32_t, 4> kHeld = {0x140, 0x141, 0x142, 0x143};
constexpr int32_t kSoftwareInterrupt = 2;
// Of the loop and of the handlers; programs do not touch them.
constexpr uint8_t kTaken = 26, kIllegal = 27, kTemporary = 28, kRounds = 29;
constexpr uint8_t kLastFree = 25;

class Program {
 public:
  explicit Program(std::mt19937_64& random) : random_(random) {
    for (size_t i = 0; i < 40; ++i) words.push_back(draw());
    const auto length = static_cast<int32_t>(4 * words.size());
    words.push_back(insn(Op::addi, {.rd = kRounds, .rs1 = kRounds, .imm = -1}));
    words.push_back(insn(Op::bne, {.rs1 = kRounds, .imm = -length - 4}));
  }

  std::string listing() const {
    std::string text;
    for (const uint32_t word : words) text += disassemble(word, 0) + "\n";
    return text;
  }

  std::vector<uint32_t> words;

 private:
  uint8_t reg() { return static_cast<uint8_t>(random_() % (kLastFree + 1)); }
  uint32_t access(int32_t number) {
    constexpr std::array<Op, 6> kOps = {Op::csrrw, Op::csrrs, Op::csrrc, Op::csrrwi, Op::csrrsi, Op::csrrci};
    return insn(kOps[random_() % kOps.size()], {.rd = reg(), .rs1 = reg(), .imm = number});
  }
  uint32_t draw() {
    switch (random_() % 8) {
      case 0:
        return access(kHeld[random_() % kHeld.size()]);
      case 1:
        return insn(random_() % 4 == 0 ? Op::csrrci : Op::csrrsi, {.rs1 = kSoftwareInterrupt, .imm = kSip});
      case 2:
        return insn(Op::fmv_d_x, {.rd = reg(), .rs1 = reg()});
      case 3:
        return insn(Op::slli, {.rd = reg(), .rs1 = reg(), .imm = static_cast<int32_t>(random_() % 16)});
      default:
        return access(kSstatus);
    }
  }

  std::mt19937_64& random_;
};

void put_handlers(Board& board) {
  // Floating point may be off, which makes instructions illegal: they are skipped.
  board.put(kMachineHandler, {insn(Op::addi, {.rd = kIllegal, .rs1 = kIllegal, .imm = 1}),
                              insn(Op::csrrs, {.rd = kTemporary, .imm = kMepc}),
                              insn(Op::addi, {.rd = kTemporary, .rs1 = kTemporary, .imm = 4}),
                              insn(Op::csrrw, {.rs1 = kTemporary, .imm = kMepc}), insn(Op::mret, {})});
  board.put(kSupervisorHandler, {insn(Op::addi, {.rd = kTaken, .rs1 = kTaken, .imm = 1}),
                                 insn(Op::csrrci, {.rs1 = kSoftwareInterrupt, .imm = kSip}), insn(Op::sret, {})});
}

struct Result {
  std::vector<uint64_t> words;
  uint64_t interrupts = 0;
};

Result run(const EngineConfig& engine, uint64_t seed, const Program& program) {
  Board board(1, Firmware::guest, nullptr, engine);
  std::mt19937_64 random(seed);
  HartState& state = board.state();
  put_handlers(board);
  uint64_t at = kRam;
  for (const uint32_t word : program.words) {
    board.put(at, {word});
    at += 4;
  }
  emu::riscv::test::put_stop(board, at);
  state.csr.mtvec = kMachineHandler;
  state.csr.stvec = kSupervisorHandler;
  state.csr.mideleg = csr::interrupt::kSsip;
  state.csr.mie = csr::interrupt::kSsip;
  state.csr.mstatus |= csr::mstatus::kFs;
  emu::riscv::test::write_csr(state, 0x3b0, ~uint64_t{0});  // physical memory is open to S-mode
  emu::riscv::test::write_csr(state, 0x3a0, 0x1f);
  for (unsigned i = 1; i < kTemporary; ++i) state.x[i] = i <= kLastFree ? random() >> random() % 64 : 0;
  state.x[kRounds] = 8;
  state.privilege = Privilege::supervisor;
  board.hart().flush_all();
  board.run();

  const CsrState& csr = state.csr;
  Result result{.words = {state.retired, csr.mstatus, csr.sscratch, csr.sepc, csr.scause, csr.stval, state.mip.load(),
                          state.fp_dirty ? 1u : 0u},
                .interrupts = state.x[kTaken]};
  result.words.insert(result.words.end(), state.x.begin() + 1, state.x.begin() + 32);
  return result;
}

class Csrs : public ::testing::TestWithParam<EngineConfig> {};

TEST_P(Csrs, AreWhatTheyAreInTheInterpreter) {
  constexpr uint64_t kPrograms = 300;
  uint64_t interrupts = 0;
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    std::mt19937_64 random(seed);
    const Program program(random);
    const Result wanted = run(kInterpreter, seed, program);
    const Result found = run(GetParam(), seed, program);
    ASSERT_EQ(found.words, wanted.words) << "seed " << seed << "\n" << program.listing();
    interrupts += wanted.interrupts;
  }
  EXPECT_GT(interrupts, kPrograms);
}

INSTANTIATE_TEST_SUITE_P(Engines, Csrs, ::testing::Values(kJit, kLockstep), name_of_engine);

}  // namespace
}  // namespace tests::diff
