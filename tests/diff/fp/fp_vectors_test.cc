#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/fp/ops.h"
#include "tests/unit/emu/fp/support.h"

/// emu::fp against qemu-riscv64, instruction by instruction (groups.def), in all rounding modes.
namespace emu::fp {
namespace {

constexpr size_t kCount = 300;  ///< operand tuples for each row

struct Tuple {
  uint64_t a, b, c;
};
struct Record {
  uint64_t value, flags;
  bool operator==(const Record&) const = default;
};
void PrintTo(const Record& record, std::ostream* out) {
  *out << std::hex << "0x" << record.value << " fflags 0x" << record.flags;
}

/// Integers of all magnitudes.
struct Integer {
  using Bits = uint64_t;
};

template <class F>
struct Source : test::Operands<F> {
  using test::Operands<F>::Operands;
};
template <>
struct Source<Integer> {
  explicit Source(uint64_t seed) : random(seed) {}
  uint64_t next() {
    const uint64_t bits = random();
    return static_cast<uint64_t>(static_cast<int64_t>(bits) >> (random() % 64)) + random() % 3 - 1;
  }
  std::mt19937_64 random;
};

/// A register's image: narrower floating-point values are NaN-boxed, 32-bit integers are sign-extended.
uint64_t fp_image(uint16_t value) { return 0xffff'ffff'ffff'0000 | value; }
uint64_t fp_image(uint32_t value) { return 0xffff'ffff'0000'0000 | value; }
uint64_t fp_image(uint64_t value) { return value; }
uint64_t integer_image(bool value) { return value; }
uint64_t integer_image(int32_t value) { return static_cast<uint64_t>(int64_t{value}); }
uint64_t integer_image(uint32_t value) { return integer_image(static_cast<int32_t>(value)); }
uint64_t integer_image(int64_t value) { return static_cast<uint64_t>(value); }
uint64_t integer_image(uint64_t value) { return value; }

template <class F>
typename F::Bits negated(typename F::Bits value) {
  return static_cast<typename F::Bits>(value ^ F::kSign);
}

struct Row {
  const char* assembly;
  std::function<Tuple()> operands;
  std::function<uint64_t(Env& env, Rounding r, const Tuple&)> evaluate;
};

template <class F, class Evaluate>
Row make_row(const char* assembly, Source<F> source, Evaluate evaluate) {
  using Bits = typename F::Bits;
  return {assembly,
          [source]() mutable {
            const uint64_t a = fp_image(source.next());
            const uint64_t b = fp_image(source.next());
            const uint64_t c = fp_image(source.next());
            return Tuple{a, b, c};
          },
          [evaluate](Env& env, Rounding r, const Tuple& t) {
            return evaluate(env, r, static_cast<Bits>(t.a), static_cast<Bits>(t.b), static_cast<Bits>(t.c));
          }};
}

#define ROW(assembly, format, result, ...)                                                                    \
  rows.push_back(                                                                                             \
      make_row<format>(assembly, Source<format>(rows.size()),                                                 \
                       []([[maybe_unused]] Env& env, [[maybe_unused]] Rounding r,                             \
                          [[maybe_unused]] typename format::Bits a, [[maybe_unused]] typename format::Bits b, \
                          [[maybe_unused]] typename format::Bits c) { return result##_image(__VA_ARGS__); }));
#define GROUP_BEGIN(name)          \
  std::vector<Row> rows_##name() { \
    std::vector<Row> rows;
#define GROUP_END \
  return rows;    \
  }
#include "tests/diff/fp/groups.def"

template <class T>
void write_file(const std::filesystem::path& path, const std::vector<T>& values) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

template <class T>
std::vector<T> read_file(const std::filesystem::path& path) {
  std::vector<T> values(std::filesystem::file_size(path) / sizeof(T));
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

/// What qemu computes, or nothing if no processor model of this qemu has the instructions. Their names changed between
/// versions.
std::vector<Record> run_guest(const std::string& group, const std::vector<Tuple>& operands) {
  const std::filesystem::path folder = testing::TempDir();
  const std::string stem = "fp_vectors." + group + "." + std::to_string(getpid());
  const auto input = folder / (stem + ".in");
  const auto output = folder / (stem + ".out");
  write_file(input, operands);
  std::vector<Record> records;
  for (const char* cpu : {"rv64", "rv64,Zfh=true", "rv64,zfh=true,zfa=true", "max"}) {
    const std::string command = std::string(FP_QEMU) + " -cpu " + cpu + " " + FP_GUEST + " " + group + " " +
                                std::to_string(kCount) + " < " + input.string() + " > " + output.string() +
                                " 2> /dev/null";
    if (std::system(command.c_str()) != 0) continue;
    records = read_file<Record>(output);
    break;
  }
  std::filesystem::remove(input);
  std::filesystem::remove(output);
  return records;
}

/// By emu::fp. `frm` is what the guest's register holds, `rounding` what the instruction says.
Record evaluate(const Row& row, Rounding frm, Rounding rounding, const Tuple& operands) {
  const auto result = test::run(frm, [&](Env& env, Rounding) { return row.evaluate(env, rounding, operands); });
  return {result.value, result.flags};
}

void compare(const std::string& group, std::vector<Row> rows) {
  std::vector<Tuple> operands;
  for (Row& row : rows) {
    for (size_t i = 0; i < kCount; ++i) operands.push_back(row.operands());
  }
  const std::vector<Record> expected = run_guest(group, operands);
  if (expected.empty()) GTEST_SKIP() << FP_QEMU << " lacks the instructions of group " << group;
  ASSERT_EQ(expected.size(), operands.size() * test::kAllRoundings.size());

  size_t next = 0;
  for (size_t index = 0; index < rows.size(); ++index) {
    for (const Rounding rounding : test::kAllRoundings) {
      const auto other = static_cast<Rounding>((static_cast<unsigned>(rounding) + 1) % test::kAllRoundings.size());
      for (size_t i = 0; i < kCount; ++i) {
        const Tuple& tuple = operands[index * kCount + i];
        const Record& record = expected[next++];
        const auto where = [&] {
          std::ostringstream text;
          text << rows[index].assembly << ", rounding mode " << static_cast<int>(rounding) << std::hex
               << ", operands 0x" << tuple.a << " 0x" << tuple.b << " 0x" << tuple.c;
          return text.str();
        };
        ASSERT_EQ(evaluate(rows[index], rounding, rounding, tuple), record) << where();
        ASSERT_EQ(evaluate(rows[index], other, rounding, tuple), record)
            << where() << ", frm " << static_cast<int>(other);
      }
    }
  }
  std::cout << "fp_vectors: " << expected.size() << " vectors of " << rows.size() << " instructions of group " << group
            << " agree\n";
}

TEST(FpVectors, SingleAndDoubleAgreeWithQemu) { compare("fd", rows_fd()); }
#if FP_HAVE_ZFH
TEST(FpVectors, HalfAgreesWithQemu) { compare("zfh", rows_zfh()); }
#endif
#if FP_HAVE_ZFA
TEST(FpVectors, ZfaAgreesWithQemu) { compare("zfa", rows_zfa()); }
#endif

}  // namespace
}  // namespace emu::fp
