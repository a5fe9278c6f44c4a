#include "tests/diff/programs/program.h"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <utility>

#include "emu/riscv/isa/disassembler.h"
#include "emu/riscv/isa/encoder.h"
#include "emu/riscv/isa/random.h"
#include "hv/base/check.h"
#include "tests/diff/programs/registers.h"

namespace tests::diff {
namespace {

using namespace emu::riscv;

/// Debian 12's qemu-riscv64 (7.2) lacks them.
constexpr Extension kNotInQemu[] = {Extension::Zicond,    Extension::Zicbom, Extension::Zicbop, Extension::Zicboz,
                                    Extension::Zimop,     Extension::Zcmop,  Extension::Zawrs,  Extension::Zacas,
                                    Extension::Zabha,     Extension::Zfa,    Extension::Zcb,    Extension::Svinval,
                                    Extension::Privileged};

bool is_shared(const Row& row) {
  // qemu 7.2 counts a word's trailing zeros in all 64 bits; the stack pointer is a base here.
  return row.flow == Flow::next && row.op != Op::ctzw && row.name != "c_addi16sp" &&
         std::ranges::find(kNotInQemu, row.extension) == std::end(kNotInQemu);
}
/// A compressed row's own text has operands alone.
bool touches_memory(const Row& row) { return row_of(row.op).text.find('(') != std::string_view::npos; }
bool is_floating(const Row& row) {
  return row.rd_class == RegisterClass::floating_point || row.rs1_class == RegisterClass::floating_point ||
         row.rs2_class == RegisterClass::floating_point;
}

bool belongs(const Row& row, Kind kind, bool word_reservations) {
  switch (kind) {
    case Kind::compressed:
      return row.is_compressed();
    case Kind::floating:
      return is_floating(row);
    case Kind::integer:
      return !row.is_compressed() && !is_floating(row) && row.extension != Extension::A;
    case Kind::atomic:
      // What a store-conditional of another width than the reservation does is up to the implementation.
      return row.extension == Extension::A &&
             (word_reservations ? row.op != Op::lr_d && row.op != Op::sc_d : row.op != Op::lr_w && row.op != Op::sc_w);
  }
  return false;
}

class Generator {
 public:
  Generator() {
    for (const Kind kind : {Kind::integer, Kind::compressed, Kind::floating}) {
      compute_.emplace_back(random_, of_kind(kind, false, true),
                            RegisterSets{.rd = kWritable, .rs1 = ~kReserved, .rs2 = ~kReserved});
    }
    for (const bool words : {false, true}) {
      for (const Kind kind : {Kind::integer, Kind::compressed, Kind::atomic, Kind::floating}) {
        access_[words].emplace_back(random_, of_kind(kind, true, words),
                                    RegisterSets{.rd = kWritable, .rs1 = kPointers, .rs2 = ~kReserved});
      }
    }
  }

  Program make(uint64_t seed, size_t length) {
    random_.seed(seed);
    program_ = {.seed = seed, .items = {}};
    loops_.clear();
    std::vector<RandomEncoder>& access = access_[seed % 2];
    while (program_.items.size() < length) {
      const uint64_t choice = random_() % 16;
      if (choice < 9)
        draw(compute_[random_() % compute_.size()]);
      else if (choice < 13)
        draw(access[random_() % access.size()]);
      else if (choice < 15)
        skip_forward();
      else
        repeat(compute_[random_() % compute_.size()]);
    }
    enter_loops_at_their_begin();
    return program_;
  }

 private:
  static RandomEncoder::Filter of_kind(Kind kind, bool memory, bool words) {
    return [=](const Row& row) { return is_shared(row) && touches_memory(row) == memory && belongs(row, kind, words); };
  }

  void add(Op op, const Operands& operands, size_t target = Item::kNoTarget) {
    const auto raw = encode(row_of(op), operands);
    CHECK(raw.has_value());
    program_.items.push_back({*raw, 4, target});
  }

  /// Addresses stay in the data area: most immediates are too far.
  void draw(RandomEncoder& encoder) {
    for (;;) {
      const RandomInstruction drawn = encoder.next();
      emu::Insn insn;
      decode(drawn.raw, insn);
      if (touches_memory(*drawn.row) && (insn.imm < -kReach || insn.imm > kReach)) continue;
      if (drawn.row->rd_class == RegisterClass::integer && insn.rd != kSinkRegister && (kWritable >> insn.rd & 1) == 0)
        continue;
      program_.items.push_back({drawn.raw, insn.length, Item::kNoTarget});
      return;
    }
  }

  uint8_t any_register() {
    uint8_t number;
    do number = static_cast<uint8_t>(random_() % 32);
    while ((kReserved >> number & 1) != 0);
    return number;
  }

  void skip_forward() {
    const size_t target = program_.items.size() + 1 + random_() % 4;
    constexpr std::array kBranches = {Op::beq, Op::bne, Op::blt, Op::bge, Op::bltu, Op::bgeu};
    if (random_() % 4 != 0)
      add(kBranches[random_() % kBranches.size()], {.rs1 = any_register(), .rs2 = any_register(), .imm = 4}, target);
    else
      add(Op::jal, {.rd = random_() % 2 == 0 ? uint8_t{1} : uint8_t{0}, .imm = 4}, target);
  }

  void repeat(RandomEncoder& encoder) {
    const size_t first = program_.items.size();
    add(Op::addi, {.rd = kCounter, .rs1 = 0, .imm = static_cast<int32_t>(2 + random_() % 6)});
    const size_t begin = program_.items.size();
    for (uint64_t i = 0, count = 1 + random_() % 5; i < count; ++i) draw(encoder);
    add(Op::addi, {.rd = kCounter, .rs1 = kCounter, .imm = -1});
    add(Op::bne, {.rs1 = kCounter, .rs2 = 0, .imm = -4}, begin);
    loops_.push_back({first, program_.items.size()});
  }

  /// Who jumps into a loop has not set its counter.
  void enter_loops_at_their_begin() {
    for (size_t i = 0; i < program_.items.size(); ++i) {
      size_t& target = program_.items[i].target;
      if (target == Item::kNoTarget || target <= i) continue;
      for (const auto& [first, end] : loops_) {
        if (target > first && target < end) target = first;
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<RandomEncoder> compute_;
  std::array<std::vector<RandomEncoder>, 2> access_;  ///< by whether reservations are of words
  Program program_;
  std::vector<std::pair<size_t, size_t>> loops_;  ///< first item, and the one behind the last
};

}  // namespace

Program make_program(uint64_t seed, size_t length) {
  static Generator generator;
  return generator.make(seed, length);
}

std::string listing(const Program& program) {
  std::string text;
  for (const Item& item : program.items) text += disassemble(item.raw, 0) + "\n";
  return text;
}

}  // namespace tests::diff
