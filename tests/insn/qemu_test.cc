#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/insn/guest_code.h"

namespace tests::insn {
namespace {

using emu::riscv::Extension;

/// What Debian 12's qemu-riscv64 (7.2) lacks or a user-mode program cannot do.
constexpr Extension kNotInQemu[] = {Extension::Zicond,    Extension::Zicbom, Extension::Zicbop, Extension::Zicboz,
                                    Extension::Zimop,     Extension::Zcmop,  Extension::Zawrs,  Extension::Zacas,
                                    Extension::Zabha,     Extension::Zfa,    Extension::Zcb,    Extension::Svinval,
                                    Extension::Privileged};
constexpr const char* kQemu = "qemu-riscv64 -cpu rv64,Zfh=true";

/// qemu 7.2 counts in all 64 bits; the specification in the low 32, of which none is set here.
constexpr std::string_view kWrongInQemu = "ctzw rs1=0x8000000000000000 ";

bool runs_in_qemu(const InsnRow& row) {
  return std::ranges::find(kNotInQemu, row.row->extension) == std::end(kNotInQemu) &&
         !row.text.starts_with(kWrongInQemu) && needs_no_csr(row);
}

/// What the guest program leaves for each row.
struct GuestResult {
  uint64_t pc;      ///< address of the instruction
  uint64_t memory;  ///< address of the test memory
  uint64_t next;    ///< 1: fell through, 2: went on 16 bytes on
  uint64_t x;       ///< rd as an integer register
  uint64_t f;       ///< rd as a floating-point register
  uint64_t fcsr;
  Memory memory_after;
};

/// Runs the row and stores the result. s2 is the place for it.
std::string guest_code(const InsnRow& row) {
  std::string code = code_of(row) + "la t0, 1b\nsd t0, 0(s2)\nsd s1, 8(s2)\nsd s3, 16(s2)\n";
  code += fmt::format("sd x{}, 24(s2)\nfsd f{}, 32(s2)\nfrcsr t0\nsd t0, 40(s2)\n", row.operands.rd, row.operands.rd);
  for (size_t i = 0; i < row.memory.size(); ++i)
    code += fmt::format("ld t0, {}(s1)\nsd t0, {}(s2)\n", 8 * i, 48 + 8 * i);
  return code + fmt::format("addi s2, s2, {}\n", sizeof(GuestResult));
}

std::vector<GuestResult> run_in_qemu(const std::vector<InsnRow>& rows) {
  char folder[] = "/tmp/vireo-insn-XXXXXX";
  const std::filesystem::path path = mkdtemp(folder);
  std::ofstream source(path / "rows.s");
  source << ".option norelax\n.option norvc\n.globl _start\n_start:\nla s1, memory\nla s2, results\n";
  for (const InsnRow& row : rows) source << guest_code(row);
  const size_t size = rows.size() * sizeof(GuestResult);
  source << fmt::format("li a0, 1\nla a1, results\nli a2, {}\nli a7, 64\necall\nli a0, 0\nli a7, 93\necall\n", size);
  source << fmt::format(".bss\n.balign 128\nmemory: .zero {}\nresults: .zero {}\n", kMemorySize, size);
  source.close();
  const std::string command = fmt::format(
      "cd {} && riscv64-linux-gnu-as -march=rv64gc rows.s -o rows.o && riscv64-linux-gnu-ld rows.o -o rows && {} rows "
      "> results",
      path.string(), kQemu);
  std::vector<GuestResult> results(rows.size());
  if (std::system(command.c_str()) == 0) {
    std::ifstream stream(path / "results", std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    if (bytes.size() == size) std::memcpy(results.data(), bytes.data(), size);
  }
  std::filesystem::remove_all(path);
  return results;
}

void expect_same(const InsnRow& row, const GuestResult& result) {
  SCOPED_TRACE(row.origin + ": " + row.text);
  const uint64_t next = result.next == 1 ? result.pc + row.row->length : result.pc + 16;
  if (row.rd) {
    EXPECT_EQ(row.writes_float() ? result.f : result.x, row.rd->resolve(result.memory, result.pc));
  }
  EXPECT_EQ(next, row.pc.resolve(result.memory, result.pc));
  EXPECT_EQ(result.fcsr & 31, row.fflags);
  for (const CsrValue& csr : row.csrs_after) EXPECT_EQ(result.fcsr, csr.value);
  EXPECT_EQ(result.memory_after, row.memory_after);
}

TEST(InsnRowsInQemu, HaveTheExpectedResults) {
  if (std::system("command -v riscv64-linux-gnu-as qemu-riscv64 > /dev/null") != 0)
    GTEST_SKIP() << "no cross assembler or qemu-riscv64";
  auto rows = all_rows();
  ASSERT_TRUE(rows) << rows.error().message;
  std::erase_if(*rows, [](const InsnRow& row) { return !runs_in_qemu(row); });

  const std::vector<GuestResult> results = run_in_qemu(*rows);

  for (size_t i = 0; i < rows->size(); ++i) expect_same((*rows)[i], results[i]);
  RecordProperty("rows", static_cast<int>(rows->size()));
}

}  // namespace
}  // namespace tests::insn
