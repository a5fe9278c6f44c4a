#include "hv/base/unique_fd.h"

#include <fcntl.h>

#include <gtest/gtest.h>

namespace hv {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
UniqueFd open_null() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(UniqueFd, ClosesWithItsOwner) {
  int fd = -1;
  {
    const UniqueFd owner = open_null();
    fd = owner.get();
    ASSERT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, MoveAssignmentClosesWhatWasHeld) {
  UniqueFd owner = open_null();
  const int first = owner.get();
  UniqueFd other = open_null();
  const int second = other.get();
  owner = std::move(other);
  EXPECT_FALSE(is_open(first));
  EXPECT_EQ(owner.get(), second);
  EXPECT_TRUE(is_open(second));
}

TEST(UniqueFd, ReleaseGivesOwnershipUp) {
  UniqueFd owner = open_null();
  const UniqueFd released(owner.release());
  EXPECT_FALSE(owner);
  EXPECT_TRUE(is_open(released.get()));
}

}  // namespace
}  // namespace hv
