#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/encoder.h"
#include "emu/riscv/isa/random.h"

namespace emu::riscv {
namespace {

/// What objdump prints depends on its version: immediate forms are "addi" in some and "add" in others.
constexpr const char* kBinutilsVersion = "2.40";
constexpr const char* kArch = "rv64gc_zicbom_zicboz_zicbop_zba_zbb_zbc_zbs_zfh_zawrs_svinval_zihintpause";

/// Extensions that this binutils does not know: DisassembleNewer has their texts.
constexpr Extension kUnknownToBinutils[] = {Extension::Zfa,   Extension::Zacas, Extension::Zabha, Extension::Zimop,
                                            Extension::Zcmop, Extension::Zcb,   Extension::Zicond};

/// Svinval brings instructions of the hypervisor extension, which this table does not have.
constexpr const char* kHypervisorOfSvinval = "hinval.";

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, count);
  return output;
}

/// What objdump prints for each of the instructions that `code` consists of, without address and bytes.
std::vector<std::string> objdump(const std::string& code) {
  char folder[] = "/tmp/vireo-objdump-XXXXXX";
  const std::filesystem::path path = mkdtemp(folder);
  std::ofstream(path / "code.bin", std::ios::binary) << code;
  std::ofstream(path / "code.s") << ".incbin \"" << (path / "code.bin").string() << "\"\n";
  const std::string object = path / "code.o";
  const std::string output =
      output_of("cd " + path.string() + " && riscv64-linux-gnu-as -march=" + kArch + " code.s -o code.o && " +
                "riscv64-linux-gnu-strip -s code.o && riscv64-linux-gnu-objdump -Dz -j .text code.o");
  std::filesystem::remove_all(path);
  std::vector<std::string> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    const size_t text = line.find('\t', line.find(":\t") + 2);
    if (line.find(":\t") != std::string::npos && text != std::string::npos) lines.push_back(line.substr(text + 1));
  }
  return lines;
}

void append(std::string& code, uint32_t raw) {
  for (unsigned i = 0; i < length_of(raw); ++i) code += static_cast<char>(raw >> (8 * i));
}

bool is_unknown_to_binutils(uint32_t raw) {
  Insn insn;
  const Row* row = decode(raw, insn);
  return row != nullptr && std::ranges::find(kUnknownToBinutils, row->extension) != std::end(kUnknownToBinutils);
}

/// Expects that each of the encodings is printed as objdump does.
void expect_same(const std::vector<uint32_t>& encodings) {
  std::string code;
  for (const uint32_t raw : encodings) append(code, raw);
  const std::vector<std::string> expected = objdump(code);
  ASSERT_EQ(expected.size(), encodings.size());
  Disassembler disassembler;
  uint64_t pc = 0;
  int reported = 0;
  for (size_t i = 0; i < encodings.size() && reported < 20; ++i) {
    const std::string actual = disassembler.next(encodings[i], pc);
    pc += length_of(encodings[i]);
    if (is_unknown_to_binutils(encodings[i]) || expected[i].starts_with(kHypervisorOfSvinval)) continue;
    reported += actual != expected[i];
    EXPECT_EQ(actual, expected[i]) << std::hex << encodings[i];
  }
}

class Objdump : public testing::Test {
 protected:
  void SetUp() override {
    const std::string version = output_of("riscv64-linux-gnu-objdump --version 2>/dev/null");
    if (version.find(kBinutilsVersion) == std::string::npos)
      GTEST_SKIP() << "binutils " << kBinutilsVersion << " for riscv64 is not here";
  }
  std::mt19937_64 random_{1};
};

TEST_F(Objdump, AgreesOnAll16BitEncodings) {
  std::vector<uint32_t> encodings;
  for (uint32_t raw = 0; raw < 0x10000; ++raw) {
    if (length_of(raw) == 2) encodings.push_back(raw);
  }

  expect_same(encodings);
}

TEST_F(Objdump, AgreesOnRandomWords) {
  std::vector<uint32_t> encodings;
  while (encodings.size() < 200'000) {
    const auto raw = static_cast<uint32_t>(random_()) | 3;
    if ((raw & 0x1f) != 0x1f) encodings.push_back(raw);  // those would be longer than 32 bits
  }

  expect_same(encodings);
}

TEST_F(Objdump, AgreesOnRandomInstancesOfEveryRow) {
  RandomEncoder encoder(random_);
  std::vector<uint32_t> encodings;
  for (int i = 0; i < 150'000; ++i) encodings.push_back(encoder.next().raw);

  expect_same(encodings);
}

TEST_F(Objdump, AgreesWhereOperandsAreFewAndAliasesMany) {
  RandomEncoder encoder(random_, nullptr, {.rd = 0x13, .rs1 = 0x13, .rs2 = 0x3, .f = 0x3});
  std::vector<uint32_t> encodings;
  for (int i = 0; i < 100'000; ++i) {
    const auto [raw, row] = encoder.next();
    Insn insn;
    decode(raw, insn);
    const int32_t imm = insn.imm == 0 ? 0 : static_cast<int32_t>(random_() % 3) - 1;
    const std::optional<uint32_t> simple =
        encode(*row, {static_cast<uint8_t>(insn.rd & 31), insn.rs1, insn.rs2, insn.rs3, imm, raw});
    encodings.push_back(simple.value_or(raw));
  }

  expect_same(encodings);
}

TEST_F(Objdump, AgreesOnEveryCsrInEveryForm) {
  std::vector<uint32_t> encodings;
  for (const Op op : {Op::csrrw, Op::csrrs, Op::csrrc, Op::csrrwi, Op::csrrsi, Op::csrrci}) {
    for (int32_t csr = 0; csr < 4096; ++csr) {
      for (const uint8_t operand : {uint8_t{0}, uint8_t{10}}) {
        encodings.push_back(*encode(row_of(op), {.rd = 0, .rs1 = operand, .imm = csr}));
        encodings.push_back(*encode(row_of(op), {.rd = 10, .rs1 = operand, .imm = csr}));
      }
    }
  }

  expect_same(encodings);
}

TEST_F(Objdump, AgreesOnEveryFence) {
  std::vector<uint32_t> encodings;
  for (uint32_t bits = 0; bits < 0x1000; ++bits) encodings.push_back(bits << 20 | 0x0f);

  expect_same(encodings);
}

}  // namespace
}  // namespace emu::riscv
