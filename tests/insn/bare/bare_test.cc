#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "devices/backend/char/null.h"
#include "devices/event_loop.h"
#include "tests/insn/guest_code.h"
#include "tests/unit/vmm/boot/test_files.h"
#include "vmm/config/parser.h"
#include "vmm/machine/engines.h"
#include "vmm/machine/machine.h"

/// The rows as bare-metal programs in the form of the public instruction tests: an ELF file of Debian's assembler and
/// linker that enters M-mode, counts its tests in gp, and tells through `tohost` whether all passed or which failed.
namespace tests::insn {
namespace {

using Rows = std::vector<InsnRow>;

/// Rounds that every program makes, after which the JIT has translated all of it; lockstep does so at once.
int rounds(std::string_view engine) { return engine == "jit" ? 40 : 1; }

constexpr const char* kBegin = R"(
.option norelax
.option norvc
.macro check  # that t0 is t1
  beq t0, t1, 9f
  jr t2
9:
.endm
.section .text.init, "ax"
.globl _start
_start:
  la t0, trapped
  csrw mtvec, t0
  li t0, 0x6000  # mstatus.FS
  csrs mstatus, t0
  li s4, ROUNDS
  la s1, memory
again:
)";

constexpr const char* kEnd = R"(
  addi s4, s4, -1
  beqz s4, 1f
  la t0, again
  jr t0
1:
  li gp, 1
  ecall
failed:
  slli gp, gp, 1
  ori gp, gp, 1
  ecall
.balign 4
trapped:
  csrr t0, mcause
  li t1, 11  # the call above; anything else is a test's trap
  bne t0, t1, failed
  la t0, tohost
  sd gp, 0(t0)
1:
  j 1b
.section .tohost, "aw"
.balign 64
.globl tohost
tohost: .dword 0
.balign 64
.globl fromhost
fromhost: .dword 0
.bss
.balign 128
memory: .zero 128
)";

constexpr const char* kLayout = R"(
ENTRY(_start)
SECTIONS {
  . = 0x80000000;
  .text.init : { *(.text.init) }
  . = ALIGN(0x1000);
  .tohost : { *(.tohost) }
  . = ALIGN(0x1000);
  .bss : { *(.bss) }
}
)";

std::string check_value(const Value& value) {
  switch (value.base) {
    case Value::Base::number:
      return fmt::format("li t1, {:#x}\ncheck\n", value.offset);
    case Value::Base::memory:
      return fmt::format("li t1, {:#x}\nadd t1, s1, t1\ncheck\n", value.offset);
    case Value::Base::pc:
      break;
  }
  return fmt::format("la t1, 1b\nli s2, {:#x}\nadd t1, t1, s2\ncheck\n", value.offset);
}

std::string check_number(uint64_t number) { return check_value({Value::Base::number, number}); }

std::string test_of(const InsnRow& row, size_t number) {
  std::string code = fmt::format("li gp, {}\n{}la t2, failed\n", number, code_of(row));
  code += "mv t0, s3\n" + check_number(row.pc.offset == row.row->length ? 1 : 2);
  if (row.rd) {
    code += fmt::format("{} t0, {}{}\n", row.writes_float() ? "fmv.x.d" : "mv", row.writes_float() ? "f" : "x",
                        row.operands.rd);
    code += check_value(*row.rd);
  }
  if (row.rd_high) code += fmt::format("mv t0, x{}\n", row.operands.rd + 1) + check_number(*row.rd_high);
  if (row.csrs_after.empty()) {
    code += "frflags t0\n" + check_number(row.fflags);
  } else {
    code += "frcsr t0\n" + check_number(row.csrs_after.back().value);
  }
  for (size_t i = 0; i < row.memory_after.size(); ++i)
    code += fmt::format("ld t0, {}(s1)\n", 8 * i) + check_number(row.memory_after[i]);
  return code;
}

/// Whether a program in M-mode gets through the row.
bool runs_bare(const InsnRow& row) {
  return needs_no_csr(row) && row.mode == 'm' && row.row->op != emu::riscv::Op::wfi;
}

class BareRows : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::system("command -v riscv64-linux-gnu-as > /dev/null") != 0) GTEST_SKIP() << "no cross assembler";
    if (GetParam() != std::string_view("interp") && !vmm::jit_obstacle().empty()) GTEST_SKIP() << vmm::jit_obstacle();
  }

  std::string build(const Rows& rows) const {
    std::ofstream source(folder_.path() / "rows.s");
    source << kBegin;
    size_t number = 2;  // an exit with 1 is a pass's
    for (const InsnRow& row : rows) source << test_of(row, number++);
    source << kEnd;
    source.close();
    std::ofstream(folder_.path() / "layout.ld") << kLayout;
    const std::string command = fmt::format(
        "cd {} && riscv64-linux-gnu-as -march=rv64gc --defsym ROUNDS={} rows.s -o rows.o && riscv64-linux-gnu-ld -T "
        "layout.ld rows.o -o "
        "rows",
        folder_.path().string(), rounds(GetParam()));
    EXPECT_EQ(std::system(command.c_str()), 0);
    return (folder_.path() / "rows").string();
  }

  /// The exit status: 0, or the number of the test that failed.
  int run(const Rows& rows) {
    const std::vector<vmm::ConfigOverride> options = {{"--arch", "arch", "riscv64"},
                                                      {"--bare", "boot.bare", build(rows)},
                                                      {"--memory", "memory", "32MiB"},
                                                      {"--accel", "accel", GetParam()}};
    const auto machine = vmm::Machine::create(vmm::machine_from_options(options).value(), console_, loop_);
    EXPECT_TRUE(machine.has_value());
    const auto exit = (*machine)->run(std::chrono::seconds(60));
    EXPECT_TRUE(exit.has_value());
    EXPECT_EQ(exit->reason, vmm::MachineExit::Reason::power_off);
    return exit->code;
  }

  vmm::testing::TemporaryFolder folder_;
  devices::NullBackend console_;
  devices::EventLoop loop_{"console"};
};

TEST_P(BareRows, OfEveryExtensionPass) {
  const Rows all = all_rows().value();
  for (size_t extension = 0; extension < emu::riscv::kExtensions; ++extension) {
    SCOPED_TRACE(emu::riscv::kExtensionNames[extension]);
    Rows rows;
    for (const InsnRow& row : all) {
      if (static_cast<size_t>(row.row->extension) == extension && runs_bare(row)) rows.push_back(row);
    }
    EXPECT_FALSE(rows.empty());
    const int failed = run(rows);
    EXPECT_EQ(failed, 0) << (failed > 1 ? rows.at(static_cast<size_t>(failed) - 2).text : "");
  }
}

TEST_P(BareRows, ThatAreWrongAreNamed) {
  const Rows rows =
      parse_rows("add rs1=1 rs2=1 -> rd=2\nadd rs1=1 rs2=1 -> rd=3\nadd rs1=1 rs2=1 -> rd=2\n", "test").value();
  EXPECT_EQ(run(rows), 3);
}

TEST_P(BareRows, ThatTrapAreNamed) {
  const Rows rows = parse_rows("add rs1=1 rs2=1 -> rd=2\nlw rs1=0 imm=0 -> rd=0\n", "test").value();
  EXPECT_EQ(run(rows), 3);
}

INSTANTIATE_TEST_SUITE_P(Engines, BareRows, ::testing::Values("interp", "jit", "lockstep"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tests::insn
