#include "hv/base/result.h"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace hv {
namespace {

Result<std::unique_ptr<int>> make(int value) {
  if (value < 0) return error("{} is negative", value);
  return std::make_unique<int>(value);
}

Result<void> require(int value) {
  TRY(make(value));
  return {};
}

Result<int> doubled(int value) {
  TRY(require(value));
  std::unique_ptr<int> made = TRY(make(value));
  return 2 * *made;
}

TEST(Result, TryYieldsMoveOnlyValues) { EXPECT_EQ(doubled(21).value(), 42); }

TEST(Result, TryPassesTheErrorUp) {
  const Result<int> result = doubled(-1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "-1 is negative");
  EXPECT_EQ(result.error().code, 0);
}

TEST(Result, OsErrorKeepsErrnoAndSaysItInWords) {
  errno = ENOENT;
  const Result<void> result = os_error("cannot open {}", "disk.img");
  EXPECT_EQ(result.error().message, "cannot open disk.img: No such file or directory");
  EXPECT_EQ(result.error().code, ENOENT);
}

}  // namespace
}  // namespace hv
