#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <gmock/gmock.h>

#include "emu/jit/jit_dump.h"
#include "emu/jit/perf_map.h"
#include "emu/riscv/jit/trace.h"
#include "tests/unit/emu/riscv/board.h"

namespace emu::riscv::test {
namespace {

using ::testing::HasSubstr;

/// Runs a program of one block with an observer that writes into a folder of its own.
class ObserverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("vireo-observer-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void run(emu::jit::Observer& observer) {
    Board board(1, Firmware::guest, nullptr,
                {.kind = EngineKind::jit, .jit_cache = kSmallCache, .observer = &observer, .hot_after = 1});
    board.put(kRam, {insn(Op::addi, {.rd = 11, .rs1 = 11, .imm = 3})});
    put_stop(board, kRam + 4);
    board.run();
  }
  std::string text_of(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
  std::string own(const char* before, const char* after) const { return before + std::to_string(::getpid()) + after; }

  std::filesystem::path folder_;
};

TEST_F(ObserverTest, PerfMapNamesTheBlocksThatRan) {
  run(*emu::jit::PerfMap::create(folder_).value());
  EXPECT_THAT(text_of(own("perf-", ".map")), HasSubstr(" guest:0x80000000/0\n"));
}

TEST_F(ObserverTest, JitDumpHasAHeaderAndTheBlocks) {
  run(*emu::jit::JitDump::create(folder_).value());
  const std::string dump = text_of(own("jit-", ".dump"));
  EXPECT_EQ(dump.substr(0, 4), "DTiJ");
  EXPECT_THAT(dump, HasSubstr("guest:0x80000000/0"));
}

TEST_F(ObserverTest, TraceHasGuestInstructionsIrAndHostCode) {
  run(*jit::Trace::create(folder_ / "trace").value());
  const std::string trace = text_of("trace");
  EXPECT_THAT(trace, HasSubstr("80000000\tadd\ta1,a1,3\n"));
  EXPECT_THAT(trace, HasSubstr("set_x x11"));
  EXPECT_THAT(trace, HasSubstr("host code\n"));
}

}  // namespace
}  // namespace emu::riscv::test
