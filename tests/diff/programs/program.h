#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Random user-level programs that run the same on every engine: here and in qemu-riscv64.
namespace tests::diff {

enum class Kind { integer, compressed, atomic, floating };

/// One instruction. A branch or jump names the item that it goes to.
struct Item {
  uint32_t raw = 0;
  unsigned length = 4;
  size_t target = kNoTarget;

  static constexpr size_t kNoTarget = ~size_t{0};
};

struct Program {
  uint64_t seed = 0;
  std::vector<Item> items;
};

/// Not thread-safe. The program that `seed` names, of about `length` instructions: loads and stores in a small data
/// area, branches and jumps forward, loops of a few rounds. Its instructions have no effects but on registers, flags
/// and that area.
Program make_program(uint64_t seed, size_t length);

/// Registers and memory of a program, which begin as its seed says.
struct Data {
  static constexpr size_t kMemoryWords = 96;

  uint64_t x[32];
  uint64_t f[32];
  uint64_t fcsr;
  uint64_t unused[7];
};
struct Slot {
  Data before;
  Data after;
  uint64_t memory[Data::kMemoryWords];
};

/// Programs one behind the other as one flat piece of code and data. Its first instruction is at `kBase`; at its end it
/// writes `slots` to file descriptor 1 and exits, as Linux has it.
struct Image {
  static constexpr uint64_t kBase = 0x8000'0000;

  std::vector<std::byte> bytes;
  size_t slots_offset = 0;  ///< of the slots, one for each program
  size_t programs = 0;
};
Image make_image(const std::vector<Program>& programs);

/// A static ELF executable of it.
std::vector<std::byte> make_elf(const Image& image);

/// Its instructions as text, one a line.
std::string listing(const Program& program);

}  // namespace tests::diff
