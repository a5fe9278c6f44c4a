#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/random.h"
#include "tests/diff/engines/engines.h"
#include "tests/unit/emu/riscv/privileged.h"

/// Random programs in S-mode and in U-mode over pages that are closed, read-only, unused, clean or nowhere, some of
/// which change places at every environment call; among them the second page of the code, into which an instruction
/// reaches. Every exception leaves all registers in a log, which is the same for both engines.
namespace tests::diff {
namespace {

using namespace emu::riscv;
using namespace emu::riscv::test::leaf;
using emu::riscv::test::insn;
using emu::riscv::test::kRam;
using emu::riscv::test::PagedBoard;
using emu::riscv::test::pte_of;

constexpr uint64_t kHandler = kRam + 0x1000;  ///< in M-mode, not translated
constexpr uint64_t kLog = kRam + 0x60'0000;
constexpr uint64_t kLogSize = 0x10'0000;
constexpr uint64_t kLogEntry = 32 * 8;
constexpr uint64_t kFrames = kRam + 0x40'0000;  ///< of data
constexpr uint64_t kCodeFrame = kRam + 0x50'0000;
constexpr uint64_t kVariants = 2;
constexpr uint64_t kVariantFrame = kRam + 0x51'0000;  ///< of the second page, by variant
constexpr uint64_t kNowhere = 0x20'0000'0000;

constexpr uint64_t kCode = 0x1'0000;
constexpr uint64_t kData = 0x2'0000;
constexpr unsigned kDataPages = 8;
/// Entries of the one leaf table, by offset: the second page of the code, the data, and what the former becomes next.
constexpr int32_t kSecondEntry = 0x11 * 8;
constexpr int32_t kDataEntries = 0x20 * 8;
constexpr int32_t kNextEntries = 0x80 * 8;
constexpr int32_t kValidEntry = kNextEntries + 3 * 8;

// What the handler and the loop have for themselves.
constexpr uint8_t kRounds = 26, kTable = 27, kFirst = 29, kSecond = 30, kLogEnd = 31;
constexpr uint32_t kPointers = 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8;
constexpr uint32_t kOwn = 1u << kRounds | 1u << kTable | 1u << kFirst | 1u << kSecond | 1u << kLogEnd;

constexpr int32_t kMepc = 0x341, kMcause = 0x342, kMtval = 0x343, kFcsr = 3;

class Handler {
 public:
  Handler(PagedBoard& board, Cause ecall) : board_(board) {
    for (uint8_t i = 1; i <= kRounds; ++i) op(Op::sd, {.rs1 = kLogEnd, .rs2 = i, .imm = 8 * (i - 1)});
    int32_t at = 8 * kRounds;
    for (const int32_t csr : {kMepc, kMtval, kFcsr, kMcause}) {
      op(Op::csrrs, {.rd = kSecond, .imm = csr});
      op(Op::sd, {.rs1 = kLogEnd, .rs2 = kSecond, .imm = at});
      at += 8;
    }
    op(Op::addi, {.rd = kLogEnd, .rs1 = kLogEnd, .imm = kLogEntry});
    unless_cause(Cause::breakpoint, 3, [this] { stop(); });
    unless_cause(Cause::instruction_page_fault, 4, [this] {
      op(Op::ld, {.rd = kFirst, .rs1 = kTable, .imm = kValidEntry});
      op(Op::sd, {.rs1 = kTable, .rs2 = kFirst, .imm = kSecondEntry});
      op(Op::sfence_vma, {});
      op(Op::mret, {});
    });
    op(Op::csrrs, {.rd = kFirst, .imm = kMepc});
    op(Op::addi, {.rd = kFirst, .rs1 = kFirst, .imm = 4});
    op(Op::csrrw, {.rs1 = kFirst, .imm = kMepc});
    unless_cause(ecall, 1 + 2 * kDataPages + 7, [this] {
      rotate(kDataEntries, kDataPages);
      rotate(kNextEntries, 3);
      op(Op::sd, {.rs1 = kTable, .rs2 = kFirst, .imm = kSecondEntry});
      op(Op::sfence_vma, {});
    });
    op(Op::mret, {});
  }

 private:
  void op(Op op, const Operands& operands) {
    board_.put(at_, {insn(op, operands)});
    at_ += 4;
  }
  template <class Body>
  void unless_cause(Cause cause, int32_t length, Body body) {
    op(Op::addi, {.rd = kFirst, .imm = static_cast<int32_t>(cause)});
    op(Op::bne, {.rs1 = kSecond, .rs2 = kFirst, .imm = 4 * (length + 1)});
    const uint64_t begin = at_;
    body();
    EXPECT_EQ(at_ - begin, static_cast<uint64_t>(4 * length));
  }
  /// Leaves what was the first entry in kFirst.
  void rotate(int32_t entries, unsigned count) {
    op(Op::ld, {.rd = kFirst, .rs1 = kTable, .imm = entries});
    for (unsigned i = 0; i + 1 < count; ++i) {
      op(Op::ld, {.rd = kSecond, .rs1 = kTable, .imm = entries + 8 * static_cast<int32_t>(i + 1)});
      op(Op::sd, {.rs1 = kTable, .rs2 = kSecond, .imm = entries + 8 * static_cast<int32_t>(i)});
    }
    op(Op::sd, {.rs1 = kTable, .rs2 = kFirst, .imm = entries + 8 * static_cast<int32_t>(count - 1)});
  }
  void stop() {
    op(Op::lui, {.rd = kFirst, .imm = emu::riscv::test::kStopDevice});
    op(Op::sd, {.rs1 = kFirst});
    op(Op::jal, {});
  }

  PagedBoard& board_;
  uint64_t at_ = kHandler;
};

/// The words from the end of the first page on, in each variant of the second.
struct Code {
  std::vector<uint32_t> words[kVariants];
  uint64_t begin = 0;  ///< where the first word lies: at two modulo four, so that one lies in both pages
};

class Generator {
 public:
  explicit Generator(std::mt19937_64& random)
      : random_(random),
        compute_(random, filter(false), {.rd = ~(kPointers | kOwn), .rs1 = ~kOwn, .rs2 = ~kOwn}),
        access_(random, filter(true), {.rd = ~(kPointers | kOwn), .rs1 = kPointers, .rs2 = ~kOwn}) {}

  Code make(size_t length) {
    Code code;
    const size_t in_first = 1 + random_() % (length - 2);
    code.begin = kCode + hv::kGuestPageSize - 2 - 4 * in_first;
    for (size_t i = 0; i < length; ++i) {
      const uint32_t common = draw();
      for (auto& words : code.words) words.push_back(i <= in_first ? common : draw());
      // Halves in two pages: the second says what is added.
      if (i != in_first) continue;
      for (auto& words : code.words)
        words.back() = insn(Op::addi, {.rd = 5, .rs1 = 5, .imm = static_cast<int32_t>(random_() % 2048)});
    }
    const auto back = static_cast<int32_t>(-4 * static_cast<int64_t>(length + 1));
    for (auto& words : code.words) {
      words.push_back(insn(Op::addi, {.rd = kRounds, .rs1 = kRounds, .imm = -1}));
      words.push_back(insn(Op::bne, {.rs1 = kRounds, .imm = back}));
      words.push_back(insn(Op::ebreak, {}));
    }
    return code;
  }

 private:
  static bool touches_memory(const Row& row) { return row.text.find('(') != std::string_view::npos; }
  static RandomEncoder::Filter filter(bool memory) {
    // amocas.q would also write the register behind rd, which may be one that is not to be written.
    return [memory](const Row& row) {
      return row.flow == Flow::next && !row.is_compressed() && touches_memory(row) == memory && row.op != Op::amocas_q;
    };
  }

  uint32_t draw() {
    const uint64_t choice = random_() % 16;
    if (choice == 0) return insn(Op::ecall, {});
    return (choice < 8 ? access_ : compute_).next().raw;
  }

  std::mt19937_64& random_;
  RandomEncoder compute_;
  RandomEncoder access_;
};

/// `user`: the flag that a leaf has for it.
uint64_t random_entry(std::mt19937_64& random, uint64_t page, uint64_t user) {
  const uint64_t frame = kFrames + page * hv::kGuestPageSize;
  switch (random() % 8) {
    case 0:
      return 0;
    case 1:
      return pte_of(frame, kV | kR | kA | user);
    case 2:
      return pte_of(frame, kV | kR | kW | kD | user);
    case 3:
      return pte_of(frame, kV | kR | kW | kA | user);
    case 4:
      return pte_of(kNowhere, kAll | user);
    default:
      return pte_of(frame, kAll | user);
  }
}

void put_code(PagedBoard& board, const Code& code) {
  for (uint64_t variant = 0; variant < kVariants; ++variant) {
    uint64_t at = code.begin;
    for (const uint32_t word : code.words[variant]) {
      for (const unsigned shift : {0u, 16u}) {
        const bool is_second = at >= kCode + hv::kGuestPageSize;
        const uint64_t offset = at % hv::kGuestPageSize;
        const uint64_t frame = is_second ? kVariantFrame + variant * hv::kGuestPageSize : kCodeFrame;
        EXPECT_TRUE(board.memory->store(hv::GuestAddress{frame + offset}, static_cast<uint16_t>(word >> shift)));
        at += 2;
      }
    }
  }
}

struct Result {
  std::vector<uint64_t> log;
  std::vector<uint64_t> data;
  uint64_t entries = 0;
};

Result run(const EngineConfig& engine, Privilege privilege, uint64_t seed, const Code& code) {
  const bool in_user_mode = privilege == Privilege::user;
  const uint64_t user = in_user_mode ? kU : 0;
  PagedBoard board(csr::satp::Mode::sv39, 1, Firmware::guest, engine);
  std::mt19937_64 random(seed);
  HartState& state = board.state();
  state.csr.medeleg = 0;
  state.csr.mtvec = kHandler;
  state.csr.mstatus |= csr::mstatus::kFs;
  const Handler handler(board, in_user_mode ? Cause::ecall_user : Cause::ecall_supervisor);
  const uint64_t table = board.map(kCode, pte_of(kCodeFrame, kV | kR | kX | kA | user)) - 0x10 * 8;
  for (uint64_t page = 0; page < kDataPages; ++page) {
    board.map(kData + page * hv::kGuestPageSize, random_entry(random, page, user));
    for (uint64_t at = 0; at < hv::kGuestPageSize; at += 8)
      board.put64(kFrames + page * hv::kGuestPageSize + at, random() >> random() % 64);
  }
  const uint64_t executable = kV | kR | kX | kA | user;
  const std::array<uint64_t, 4> next = {pte_of(kVariantFrame, executable), 0,
                                        pte_of(kVariantFrame + hv::kGuestPageSize, executable),
                                        pte_of(kVariantFrame, executable)};
  for (uint64_t i = 0; i < next.size(); ++i) board.put64(table + kNextEntries + i * 8, next[i]);
  put_code(board, code);
  for (unsigned i = 1; i < 32; ++i) state.x[i] = random() >> random() % 64;
  for (uint64_t& value : state.f) value = random();
  for (unsigned i = 1; i < 32; ++i) {
    // Near the ends of pages, half of them aligned.
    if ((kPointers >> i & 1) == 0) continue;
    state.x[i] = kData + (1 + random() % (kDataPages - 1)) * hv::kGuestPageSize + random() % 64 - 32;
    if (random() % 2 == 0) state.x[i] &= ~uint64_t{7};
  }
  state.x[kRounds] = 4;
  state.x[kTable] = table;
  state.x[kLogEnd] = kLog;
  state.pc = code.begin;
  board.enter(privilege);
  board.run();

  Result result;
  result.entries = (state.x[kLogEnd] - kLog) / kLogEntry;
  EXPECT_LT(state.x[kLogEnd], kLog + kLogSize);
  result.log.resize((state.x[kLogEnd] - kLog) / 8);
  EXPECT_TRUE(board.memory->read({kLog}, std::as_writable_bytes(std::span(result.log))).has_value());
  result.data.resize(kDataPages * hv::kGuestPageSize / 8);
  EXPECT_TRUE(board.memory->read({kFrames}, std::as_writable_bytes(std::span(result.data))).has_value());
  result.data.insert(result.data.end(), state.f.begin(), state.f.end());
  result.data.push_back(state.retired);
  return result;
}

/// The first entry of the log that differs.
std::string difference(const Result& wanted, const Result& found) {
  const size_t words = kLogEntry / 8;
  for (size_t i = 0; i < wanted.log.size() && i < found.log.size(); ++i) {
    if (wanted.log[i] == found.log[i]) continue;
    const size_t entry = i / words * words;
    return fmt::format("exception {}, at {:#x} (wanted {:#x}), cause {} ({}): word {} is {:#x}, wanted {:#x}\n",
                       i / words, found.log[entry + kRounds], wanted.log[entry + kRounds],
                       found.log[entry + kRounds + 3], wanted.log[entry + kRounds + 3], i % words, found.log[i],
                       wanted.log[i]);
  }
  if (wanted.log.size() != found.log.size())
    return fmt::format("{} exceptions, wanted {}\n", found.entries, wanted.entries);
  return wanted.data == found.data ? "" : "memory or floating-point registers\n";
}

std::string listing(const Code& code) {
  std::string text;
  for (const auto& words : code.words) {
    for (size_t i = 0; i < words.size(); ++i)
      text += fmt::format("{:#x}  {}\n", code.begin + 4 * i, disassemble(words[i], code.begin + 4 * i));
  }
  return text;
}

class Faults : public ::testing::TestWithParam<std::tuple<Privilege, uint64_t>> {
 protected:
  static constexpr uint64_t kPrograms = 25;

  /// The programs that begin with the parameter leave the same in an engine as in the interpreter.
  void expect_same(const EngineConfig& engine) {
    uint64_t exceptions = 0;
    const auto [privilege, first_seed] = GetParam();
    for (uint64_t seed = first_seed; seed < first_seed + kPrograms; ++seed) {
      std::mt19937_64 random(seed);
      const Code code = Generator(random).make(48);
      const Result wanted = run(kInterpreter, privilege, seed, code);
      const Result found = run(engine, privilege, seed, code);
      ASSERT_EQ(difference(wanted, found), "") << "seed " << seed << "\n" << listing(code);
      exceptions += wanted.entries;
    }
    EXPECT_GT(exceptions, 10 * kPrograms);
  }
};

TEST_P(Faults, LeaveTheSameStateInTheJitAsInTheInterpreter) { expect_same(kJit); }
TEST_P(Faults, LeaveTheSameStateInLockstepAsInTheInterpreter) { expect_same(kLockstep); }

INSTANTIATE_TEST_SUITE_P(Seeds, Faults,
                         ::testing::Combine(::testing::Values(Privilege::supervisor, Privilege::user),
                                            ::testing::Range<uint64_t>(1, 201, 25)));

}  // namespace
}  // namespace tests::diff
