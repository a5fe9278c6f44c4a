#include "emu/riscv/isa/coverage.h"

#include <gmock/gmock.h>

namespace emu::riscv {
namespace {

TEST(CoverageTest, ListsEveryRowWithWhatEachEngineImplements) {
  const auto lines = coverage([](Op op) { return op == Op::and_; }, [](Op) { return true; });

  ASSERT_EQ(lines.size(), rows().size());
  const CoverageLine& line = lines[static_cast<size_t>(Op::and_)];
  EXPECT_EQ(line.mnemonic, "and");
  EXPECT_EQ(line.extension, "I");
  EXPECT_EQ(line.base, "");
  EXPECT_THAT(line.implemented, testing::ElementsAre(true, true));
  EXPECT_THAT(lines[static_cast<size_t>(Op::fence_i)].implemented, testing::ElementsAre(false, true));
}

TEST(CoverageTest, NamesTheBaseInstructionOfACompressedRow) {
  const auto lines = coverage();

  EXPECT_EQ(lines[kOps].mnemonic, "c.addi4spn");
  EXPECT_EQ(lines[kOps].extension, "C");
  EXPECT_EQ(lines[kOps].base, "addi");
}

}  // namespace
}  // namespace emu::riscv
