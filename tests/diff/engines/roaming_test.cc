#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/riscv/privileged.h"

/// A program in U-mode that loads from and stores to pages at random for so long that its windows open to runs of them
/// (emu/mmu/mirror.h), while M-mode exchanges pages under it. One of them is read-only, one clean.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using namespace emu::riscv::test::leaf;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;
using emu::riscv::test::PagedBoard;
using emu::riscv::test::pte_of;

constexpr uint64_t kPageSize = hv::kGuestPageSize;
constexpr uint64_t kHandler = kRam + 0x1000;
constexpr uint64_t kCodeFrame = kRam + 0x50'0000;
constexpr uint64_t kFrames = kRam + 0x40'0000;
constexpr uint64_t kCode = 0x1'0000;
constexpr uint64_t kData = 0x2'0000;
constexpr uint64_t kPages = 32;

constexpr int32_t kMepc = 0x341, kMcause = 0x342;

constexpr uint8_t kRandom = 5, kAddress = 6, kValue = 7, kSum = 8, kLeft = 9, kRounds = 10, kBase = 11, kFactor = 12,
                  kMask = 13, kAccesses = 14;
// The handler's.
constexpr uint8_t kTable = 26, kPage = 27, kCalls = 28, kEntry = 29, kOne = 30, kOther = 31;

void put(PagedBoard& board, uint64_t at, const std::vector<uint32_t>& words) {
  for (size_t i = 0; i < words.size(); ++i) board.put(at + 4 * i, {words[i]});
}

std::vector<uint32_t> program() {
  std::vector<uint32_t> words;
  const auto next_address = [&words] {
    words.push_back(insn(Op::mul, {.rd = kRandom, .rs1 = kRandom, .rs2 = kFactor}));
    words.push_back(insn(Op::addi, {.rd = kRandom, .rs1 = kRandom, .imm = 1}));
    words.push_back(insn(Op::srli, {.rd = kAddress, .rs1 = kRandom, .imm = 20}));
    words.push_back(insn(Op::and_, {.rd = kAddress, .rs1 = kAddress, .rs2 = kMask}));
    words.push_back(insn(Op::add, {.rd = kAddress, .rs1 = kAddress, .rs2 = kBase}));
  };
  const auto back = [&words] { return -4 * static_cast<int32_t>(words.size()); };
  next_address();
  words.push_back(insn(Op::ld, {.rd = kValue, .rs1 = kAddress}));
  words.push_back(insn(Op::add, {.rd = kSum, .rs1 = kSum, .rs2 = kValue}));
  next_address();
  words.push_back(insn(Op::sd, {.rs1 = kAddress, .rs2 = kSum}));
  words.push_back(insn(Op::addi, {.rd = kLeft, .rs1 = kLeft, .imm = -1}));
  words.push_back(insn(Op::bne, {.rs1 = kLeft, .imm = back()}));
  words.push_back(insn(Op::ecall, {}));
  words.push_back(insn(Op::addi, {.rd = kLeft, .rs1 = kAccesses}));
  words.push_back(insn(Op::addi, {.rd = kRounds, .rs1 = kRounds, .imm = -1}));
  words.push_back(insn(Op::bne, {.rs1 = kRounds, .imm = back()}));
  words.push_back(insn(Op::ebreak, {}));
  return words;
}

/// Stops at a breakpoint; goes on behind everything else. At each fourth call the next two pages change places.
std::vector<uint32_t> handler() {
  std::vector<uint32_t> words = {
      insn(Op::csrrs, {.rd = kOne, .imm = kMepc}),
      insn(Op::addi, {.rd = kOne, .rs1 = kOne, .imm = 4}),
      insn(Op::csrrw, {.rs1 = kOne, .imm = kMepc}),
      insn(Op::csrrs, {.rd = kOne, .imm = kMcause}),
      insn(Op::addi, {.rd = kOther, .imm = static_cast<int32_t>(Cause::breakpoint)}),
      insn(Op::bne, {.rs1 = kOne, .rs2 = kOther, .imm = 16}),
      insn(Op::lui, {.rd = kOne, .imm = emu::riscv::test::kStopDevice}),
      insn(Op::sd, {.rs1 = kOne}),
      insn(Op::jal, {}),
      insn(Op::addi, {.rd = kOther, .imm = static_cast<int32_t>(Cause::ecall_user)}),
      insn(Op::beq, {.rs1 = kOne, .rs2 = kOther, .imm = 8}),
      insn(Op::mret, {}),
      insn(Op::addi, {.rd = kCalls, .rs1 = kCalls, .imm = 1}),
      insn(Op::andi, {.rd = kOne, .rs1 = kCalls, .imm = 3}),
      insn(Op::beq, {.rs1 = kOne, .imm = 8}),
      insn(Op::mret, {}),
      insn(Op::srli, {.rd = kPage, .rs1 = kCalls, .imm = 2}),
      insn(Op::andi, {.rd = kPage, .rs1 = kPage, .imm = kPages / 2 - 1}),
      insn(Op::slli, {.rd = kEntry, .rs1 = kPage, .imm = 4}),
      insn(Op::add, {.rd = kEntry, .rs1 = kEntry, .rs2 = kTable}),
      insn(Op::ld, {.rd = kOne, .rs1 = kEntry}),
      insn(Op::ld, {.rd = kOther, .rs1 = kEntry, .imm = 8}),
      insn(Op::sd, {.rs1 = kEntry, .rs2 = kOther}),
      insn(Op::sd, {.rs1 = kEntry, .rs2 = kOne, .imm = 8}),
      insn(Op::slli, {.rd = kPage, .rs1 = kPage, .imm = 13}),
      insn(Op::add, {.rd = kPage, .rs1 = kPage, .rs2 = kBase}),
      insn(Op::sfence_vma, {.rs1 = kPage}),
      insn(Op::lui, {.rd = kOne, .imm = kPageSize}),
      insn(Op::add, {.rd = kPage, .rs1 = kPage, .rs2 = kOne}),
      insn(Op::sfence_vma, {.rs1 = kPage}),
      insn(Op::mret, {}),
  };
  return words;
}

struct Result {
  std::vector<uint64_t> data;
  uint64_t sum = 0;
  uint64_t retired = 0;
  bool had_runs = false;

  bool operator==(const Result& other) const {
    return data == other.data && sum == other.sum && retired == other.retired;
  }
};

Result run(const EngineConfig& engine, uint64_t seed) {
  PagedBoard board(csr::satp::Mode::sv39, 1, Firmware::guest, engine);
  HartState& state = board.state();
  state.csr.medeleg = 0;
  state.csr.mtvec = kHandler;
  put(board, kHandler, handler());
  put(board, kCodeFrame, program());
  board.map(kCode, pte_of(kCodeFrame, kV | kR | kX | kA | kU));
  for (uint64_t page = 0; page < kPages; ++page) {
    const uint64_t frame = kFrames + page * 11 % kPages * kPageSize;
    const uint64_t entry = board.map(kData + page * kPageSize, pte_of(frame, kAll | kU));
    if (page == 0) state.x[kTable] = entry;
    if (page == 5) board.put64(entry, pte_of(frame, kV | kR | kA | kU));
    if (page == 9) board.put64(entry, pte_of(frame, kV | kR | kW | kA | kU));
    for (uint64_t at = 0; at < kPageSize; at += 8) board.put64(frame + at, seed * page + at);
  }
  state.x[kRandom] = seed;
  state.x[kFactor] = 6364136223846793005;
  state.x[kMask] = kPages * kPageSize - 8;
  state.x[kBase] = kData;
  state.x[kAccesses] = state.x[kLeft] = 2000;
  state.x[kRounds] = 100;
  state.pc = kCode;
  board.enter(Privilege::user);
  board.run();

  Result result{.data = {}, .sum = state.x[kSum], .retired = state.retired, .had_runs = state.jit.windows.has_runs};
  result.data.resize(kPages * kPageSize / 8);
  EXPECT_TRUE(board.memory->read({kFrames}, std::as_writable_bytes(std::span(result.data))).has_value());
  return result;
}

TEST(Roaming, ReadsAndWritesWhatTheInterpreterDoes) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const Result found = run(kJit, seed);
    EXPECT_TRUE(found.had_runs) << "seed " << seed;
    EXPECT_EQ(found, run(kInterpreter, seed)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tests::diff
