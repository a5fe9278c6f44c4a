#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emu/riscv/csr/bits.h"
#include "emu/riscv/csr/table.h"
#include "tests/diff/programs/program.h"
#include "tests/diff/programs/registers.h"
#include "tests/unit/emu/riscv/board.h"

namespace tests::diff {
namespace {

using emu::riscv::EngineConfig;
using emu::riscv::EngineKind;
using emu::riscv::Firmware;

constexpr size_t kProgramLength = 64;
constexpr size_t kProgramsInImage = 1000;

/// Where the run ends: the first environment call traps there. Behind the image.
constexpr uint64_t kTrapVector = emu::riscv::test::kRam + emu::riscv::test::kRamSize - 4096;

using Slots = std::vector<Slot>;

Slots slots_of(const std::vector<std::byte>& bytes, size_t count) {
  Slots slots(count);
  if (bytes.size() == count * sizeof(Slot)) std::memcpy(slots.data(), bytes.data(), bytes.size());
  return slots;
}

/// On a new board, to its end.
void run_on(emu::riscv::test::Board& board, const Image& image) {
  EXPECT_LT(Image::kBase + image.bytes.size(), kTrapVector);
  EXPECT_TRUE(board.memory->write({Image::kBase}, image.bytes).has_value());
  emu::riscv::test::put_stop(board, kTrapVector);
  board.state().csr.mtvec = kTrapVector;
  board.state().csr.mstatus |= emu::riscv::csr::mstatus::kFs;
  board.hart().update_contexts();
  board.run();
  EXPECT_EQ(board.state().csr.mcause, 11u) << "not the environment call at the end, but at " << board.state().csr.mepc;
}

Slots run_here(const Image& image, const EngineConfig& engine) {
  emu::riscv::test::Board board(1, Firmware::guest, nullptr, engine);
  run_on(board, image);
  std::vector<std::byte> bytes(image.programs * sizeof(Slot));
  EXPECT_TRUE(board.memory->read({Image::kBase + image.slots_offset}, bytes).has_value());
  return slots_of(bytes, image.programs);
}

Slots run_in_qemu(const Image& image) {
  char folder[] = "/tmp/vireo-diff-XXXXXX";
  const std::filesystem::path path = mkdtemp(folder);
  const std::vector<std::byte> elf = make_elf(image);
  std::ofstream(path / "programs", std::ios::binary)
      .write(reinterpret_cast<const char*>(elf.data()), static_cast<std::streamsize>(elf.size()));
  std::filesystem::permissions(path / "programs", std::filesystem::perms::owner_all);
  const std::string command =
      fmt::format("cd {} && qemu-riscv64 -cpu rv64,Zfh=true ./programs > results", path.string());
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream stream(path / "results", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  std::filesystem::remove_all(path);
  EXPECT_EQ(text.size(), image.programs * sizeof(Slot));
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return slots_of(bytes, image.programs);
}

/// What differs between two results, or an empty string.
std::string difference(const Slot& wanted, const Slot& found) {
  std::string text;
  const auto compare = [&text](std::string_view name, size_t number, uint64_t a, uint64_t b) {
    if (a != b) text += fmt::format("{}{}: {:#x}, wanted {:#x}\n", name, number, b, a);
  };
  for (size_t i = 1; i < 32; ++i) compare("x", i, wanted.after.x[i], found.after.x[i]);
  for (size_t i = 0; i < 32; ++i) compare("f", i, wanted.after.f[i], found.after.f[i]);
  compare("fcsr", 0, wanted.after.fcsr, found.after.fcsr);
  for (size_t i = 0; i < Data::kMemoryWords; ++i) compare("memory", 8 * i, wanted.memory[i], found.memory[i]);
  return text;
}

using Run = Slots (*)(const Image&);

/// The program cut to the shortest beginning whose results differ.
Program shrink(Program program, Run wanted, Run found) {
  const auto differs = [&](size_t length) {
    Program cut = program;
    cut.items.resize(length);
    const Image image = make_image({cut});
    return !difference(wanted(image)[0], found(image)[0]).empty();
  };
  size_t good = 0;
  size_t bad = program.items.size();
  while (bad - good > 1) {
    const size_t middle = (good + bad) / 2;
    (differs(middle) ? bad : good) = middle;
  }
  program.items.resize(bad);
  return program;
}

/// Programs a run, unless VIREO_DIFF_PROGRAMS says how many.
size_t program_count() {
  const char* const wanted = std::getenv("VIREO_DIFF_PROGRAMS");
  return wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 2 * kProgramsInImage;
}
uint64_t first_seed() {
  const char* const wanted = std::getenv("VIREO_DIFF_SEED");
  return wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1;
}

/// The programs of an image, of which the first is the run's program number `done`.
std::vector<Program> programs_from(size_t done) {
  std::vector<Program> programs;
  for (size_t i = 0; i < kProgramsInImage; ++i)
    programs.push_back(make_program(first_seed() + done + i, kProgramLength));
  return programs;
}

void expect_same(Run wanted, Run found) {
  for (size_t done = 0; done < program_count(); done += kProgramsInImage) {
    const std::vector<Program> programs = programs_from(done);
    const Image image = make_image(programs);
    const Slots a = wanted(image);
    const Slots b = found(image);
    for (size_t i = 0; i < programs.size(); ++i) {
      if (difference(a[i], b[i]).empty()) continue;
      const Program cut = shrink(programs[i], wanted, found);
      const Image one = make_image({cut});
      FAIL() << "seed " << cut.seed << "\n" << difference(wanted(one)[0], found(one)[0]) << listing(cut);
    }
  }
}

Slots in_interpreter(const Image& image) { return run_here(image, {}); }
Slots in_jit(const Image& image) {
  return run_here(image, {.kind = EngineKind::jit, .jit_cache = 32 << 20, .hot_after = 1});
}
Slots in_lockstep(const Image& image) { return run_here(image, {.kind = EngineKind::lockstep, .jit_cache = 32 << 20}); }

bool has_qemu() { return std::system("command -v qemu-riscv64 > /dev/null") == 0; }

uint64_t instructions(const std::vector<Program>& programs) {
  emu::riscv::test::Board board(1, Firmware::guest, nullptr, {});
  run_on(board, make_image(programs));
  constexpr uint16_t kMinstret = 0xb02;
  return emu::riscv::csr::find(kMinstret)->read(board.state(), kMinstret);
}

TEST(RandomPrograms, AreAtLeast100000InstructionsARun) {
  uint64_t count = 0;
  for (size_t done = 0; done < program_count(); done += kProgramsInImage) {
    std::vector<Program> programs = programs_from(done);
    count += instructions(programs);
    for (Program& program : programs) program.items.clear();
    count -= instructions(programs);  // what loads and saves the registers
  }
  EXPECT_GE(count, 100'000u);
  RecordProperty("instructions", std::to_string(count));
}

TEST(RandomPrograms, RunInTheInterpreterAsInQemu) {
  if (!has_qemu()) GTEST_SKIP() << "no qemu-riscv64: scripts/setup installs it";
  expect_same(run_in_qemu, in_interpreter);
}
TEST(RandomPrograms, RunInTheJitAsInQemu) {
  if (!has_qemu()) GTEST_SKIP() << "no qemu-riscv64: scripts/setup installs it";
  expect_same(run_in_qemu, in_jit);
}
TEST(RandomPrograms, RunInTheJitAsInTheInterpreter) { expect_same(in_interpreter, in_jit); }
TEST(RandomPrograms, RunInLockstepAsInTheInterpreter) { expect_same(in_interpreter, in_lockstep); }

}  // namespace
}  // namespace tests::diff
