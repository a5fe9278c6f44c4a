#include <string>

#include "tests/unit/emu/riscv/privileged.h"

namespace emu::riscv::test {
namespace {

constexpr uint64_t kBase = 0x10, kTime = 0x54494d45, kIpi = 0x735049, kRfence = 0x52464e43, kHsm = 0x48534d,
                   kReset = 0x53525354, kPmu = 0x504d55, kConsole = 0x4442434e;
constexpr int64_t kSuccess = 0, kNotSupported = -2, kInvalidParameter = -3, kInvalidAddress = -5,
                  kAlreadyAvailable = -6;
constexpr uint64_t kEveryone = ~uint64_t{0};

struct Answer {
  int64_t error;
  uint64_t value;
};

/// The call, as hart 0 makes it in S-mode.
Answer call(Board& board, uint64_t extension, uint64_t function, std::initializer_list<uint64_t> arguments = {}) {
  HartState& state = board.state();
  std::copy(arguments.begin(), arguments.end(), &state.x[10]);
  state.x[16] = function;
  state.x[17] = extension;
  ecall(state, {.length = 4});
  return {static_cast<int64_t>(state.x[10]), state.x[11]};
}

class RecordingConsole final : public sbi::Console {
 public:
  size_t write(std::span<const std::byte> data) noexcept override {
    written.append(reinterpret_cast<const char*>(data.data()), data.size());
    return data.size();
  }
  size_t read(std::span<std::byte> out) noexcept override {
    const size_t count = std::min(out.size(), input.size());
    std::copy_n(reinterpret_cast<const std::byte*>(input.data()), count, out.begin());
    input.erase(0, count);
    return count;
  }
  std::string written;
  std::string input;
};

TEST(Sbi, BaseReportsVersionAndExtensions) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, kBase, 0).value, 2u << 24);
  for (const uint64_t extension : {kBase, kTime, kIpi, kRfence, kHsm, kReset, kPmu, kConsole})
    EXPECT_EQ(call(board, kBase, 3, {extension}).value, 1u) << std::hex << extension;
  EXPECT_EQ(call(board, kBase, 3, {0x12345}).value, 0u);
}

TEST(Sbi, ReturnsBehindTheCallWithoutATrap) {
  Board board(1, Firmware::built_in);
  const uint64_t pc = board.state().pc;
  EXPECT_EQ(call(board, kBase, 0).error, kSuccess);
  EXPECT_EQ(board.state().pc, pc + 4);
  EXPECT_FALSE(board.state().trapped);
}

TEST(Sbi, WhatItDoesNotKnowIsNotSupported) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, 0x99999999, 0).error, kNotSupported);
  for (const uint64_t extension : {kBase, kTime, kIpi, kRfence, kHsm, kReset, kPmu, kConsole})
    EXPECT_EQ(call(board, extension, 77).error, kNotSupported) << std::hex << extension;
}

TEST(Sbi, TheTimerRaisesAndClearsItsInterrupt) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, kTime, 0, {0}).error, kSuccess);
  EXPECT_EQ(read_csr(board.state(), 0x144), csr::interrupt::kStip);
  call(board, kTime, 0, {~uint64_t{0}});
  EXPECT_EQ(read_csr(board.state(), 0x144), 0u);
}

TEST(Sbi, IpisGoToTheHartsOfTheMask) {
  Board board(3, Firmware::built_in);
  EXPECT_EQ(call(board, kIpi, 0, {0b11, 1}).error, kSuccess);
  EXPECT_EQ(board.state(0).mip.load(), 0u);
  EXPECT_EQ(board.state(1).mip.load(), csr::interrupt::kSsip);
  EXPECT_EQ(board.state(2).mip.load(), csr::interrupt::kSsip);
  EXPECT_EQ(call(board, kIpi, 0, {0, kEveryone}).error, kSuccess);
  EXPECT_EQ(board.state(0).mip.load(), csr::interrupt::kSsip);
}

TEST(Sbi, MasksThatNameMissingHartsAreInvalid) {
  Board board(2, Firmware::built_in);
  EXPECT_EQ(call(board, kIpi, 0, {0b100, 0}).error, kInvalidParameter);
  EXPECT_EQ(call(board, kIpi, 0, {1, 2}).error, kInvalidParameter);
  EXPECT_EQ(call(board, kRfence, 0, {1, 63}).error, kInvalidParameter);
  EXPECT_EQ(call(board, kRfence, 0, {uint64_t{1} << 63, 1}).error, kInvalidParameter);
}

TEST(Sbi, HartsStartStoppedAndAreStartedOnce) {
  Board board(2, Firmware::built_in);
  EXPECT_EQ(call(board, kHsm, 2, {0}).value, 0u);
  EXPECT_EQ(call(board, kHsm, 2, {1}).value, 1u);
  EXPECT_EQ(call(board, kHsm, 0, {1, kRam, 5}).error, kSuccess);
  EXPECT_EQ(call(board, kHsm, 0, {1, kRam, 5}).error, kAlreadyAvailable);
  EXPECT_EQ(call(board, kHsm, 0, {2, kRam, 5}).error, kInvalidParameter);
  EXPECT_EQ(call(board, kHsm, 0, {1, 0x1000, 5}).error, kInvalidAddress);
  EXPECT_EQ(call(board, kHsm, 0, {1, kRam + 1, 5}).error, kInvalidAddress);
  EXPECT_EQ(call(board, kHsm, 2, {9}).error, kInvalidParameter);
}

TEST(Sbi, ASuspendedHartSleepsUntilItsInterrupt) {
  Board board(1, Firmware::built_in);
  set_csr(board.state(), 0x104, csr::interrupt::kStip);
  const uint64_t began = read_csr(board.state(), 0xc01);
  constexpr uint64_t kTicks = 100'000;  // 10 ms
  call(board, kTime, 0, {began + kTicks});
  EXPECT_EQ(call(board, kHsm, 3, {0}).error, kSuccess);
  EXPECT_GE(read_csr(board.state(), 0xc01), began + kTicks);
  EXPECT_EQ(call(board, kHsm, 2, {0}).value, 0u) << "it is started again";
}

TEST(Sbi, ASuspensionThatLosesTheRegistersIsNotSupported) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, kHsm, 3, {0x80000000}).error, kNotSupported);
  EXPECT_EQ(call(board, kHsm, 3, {1}).error, kInvalidParameter);
}

TEST(Sbi, PerformanceCountersAreTheThreeThatCannotBeConfigured) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, kPmu, 0).value, 3u);
  for (uint64_t counter = 0; counter < 3; ++counter)
    EXPECT_EQ(call(board, kPmu, 1, {counter}).value, (0xc00 + counter) | 63u << 12) << "64 bits";
  EXPECT_EQ(call(board, kPmu, 1, {3}).error, kInvalidParameter);
  for (uint64_t function = 2; function <= 4; ++function)
    EXPECT_EQ(call(board, kPmu, function).error, kNotSupported) << function;
}

TEST(Sbi, ResetAsksTheMachine) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, kReset, 0, {9, 0}).error, kInvalidParameter);
  EXPECT_EQ(board.power_off_code, -1);
  call(board, kReset, 0, {0, 1});
  EXPECT_EQ(board.power_off_code, 1) << "a system failure";
}

TEST(Sbi, TheDebugConsoleWritesFromGuestMemory) {
  RecordingConsole console;
  Board board(1, Firmware::built_in, &console);
  board.put64(kRam + 0x100, 0x6f6c'6c65'68);  // "hello"
  EXPECT_EQ(call(board, kConsole, 0, {5, kRam + 0x100, 0}).value, 5u);
  EXPECT_EQ(call(board, kConsole, 2, {'!'}).error, kSuccess);
  EXPECT_EQ(console.written, "hello!");
}

TEST(Sbi, TheDebugConsoleReadsWhatThereIs) {
  RecordingConsole console;
  console.input = "ab";
  Board board(1, Firmware::built_in, &console);
  EXPECT_EQ(call(board, kConsole, 1, {8, kRam + 0x100, 0}).value, 2u);
  EXPECT_EQ(board.get64(kRam + 0x100), 0x6261u);
}

TEST(Sbi, BuffersOutsideRamAreInvalid) {
  RecordingConsole console;
  console.input = "kept";
  Board board(1, Firmware::built_in, &console);
  for (const uint64_t address : {uint64_t{0}, kRam + kRamSize - 4, ~uint64_t{0} - 3}) {
    EXPECT_EQ(call(board, kConsole, 0, {8, address, 0}).error, kInvalidParameter);
    EXPECT_EQ(call(board, kConsole, 1, {8, address, 0}).error, kInvalidParameter);
  }
  EXPECT_EQ(call(board, kConsole, 0, {8, kRam, 1}).error, kInvalidParameter) << "no such upper half";
  EXPECT_EQ(console.input, "kept");
  EXPECT_EQ(console.written, "");
}

// --- the calls of version 0.1 ---

TEST(Sbi, LegacyCallsAnswerInOneRegister) {
  RecordingConsole console;
  console.input = "x";
  Board board(1, Firmware::built_in, &console);
  board.state().x[11] = 77;
  EXPECT_EQ(call(board, 1, 0, {'a'}).error, 0);
  EXPECT_EQ(board.state().x[11], 77u);
  EXPECT_EQ(console.written, "a");
  EXPECT_EQ(call(board, 2, 0).error, 'x');
  EXPECT_EQ(call(board, 2, 0).error, -1);
  EXPECT_EQ(board.state().x[11], 77u);
}

TEST(Sbi, LegacyTimerAndShutdownDoAsTodaysDo) {
  Board board(1, Firmware::built_in);
  EXPECT_EQ(call(board, 0, 0, {0}).error, 0);
  EXPECT_EQ(read_csr(board.state(), 0x144), csr::interrupt::kStip);
  call(board, 8, 0);
  EXPECT_EQ(board.power_off_code, 0);
}

TEST(Sbi, LegacyIpisReadTheirMaskFromTheCallersMemory) {
  Board board(3, Firmware::built_in);
  board.put64(kRam + 0x100, 0b101);
  EXPECT_EQ(call(board, 4, 0, {kRam + 0x100}).error, 0);
  EXPECT_EQ(board.state(0).mip.load(), csr::interrupt::kSsip);
  EXPECT_EQ(board.state(1).mip.load(), 0u);
  EXPECT_EQ(board.state(2).mip.load(), csr::interrupt::kSsip);
  EXPECT_EQ(call(board, 3, 0).error, 1) << "was pending";
  EXPECT_EQ(board.state(0).mip.load(), 0u);
  EXPECT_EQ(call(board, 4, 0, {0}).error, 0);
  EXPECT_EQ(board.state(1).mip.load(), csr::interrupt::kSsip) << "no mask: all";
}

TEST(Sbi, ALegacyMaskThatCannotBeReadFaultsAtTheCall) {
  Board board(1, Firmware::built_in);
  const uint64_t pc = board.state().pc;
  call(board, 5, 0, {0x10});
  EXPECT_TRUE(board.state().trapped);
  EXPECT_EQ(board.state().csr.scause, 5u);
  EXPECT_EQ(board.state().csr.stval, 0x10u);
  EXPECT_EQ(board.state().csr.sepc, pc);
}

TEST(Sbi, LegacyFencesReachTheHartsOfTheMask) {
  PagedBoard board(csr::satp::Mode::sv39, 1, Firmware::built_in);
  board.map_page(leaf::kAll);
  EXPECT_EQ(board.cause(Access::load), -1);
  board.map_page(0);
  EXPECT_EQ(call(board, 6, 0, {0, PagedBoard::kPage, 0x1000}).error, 0);
  EXPECT_EQ(board.cause(Access::load), 13);
  EXPECT_EQ(call(board, 5, 0, {0}).error, 0);
  EXPECT_EQ(call(board, 7, 0, {0, 0, 0, 0}).error, 0);
}

TEST(Sbi, CallsOfGuestFirmwareAreTraps) {
  Board board(1, Firmware::guest);
  board.state().privilege = Privilege::supervisor;
  call(board, kBase, 0);
  EXPECT_EQ(board.state().csr.mcause, 9u);
}

}  // namespace
}  // namespace emu::riscv::test
