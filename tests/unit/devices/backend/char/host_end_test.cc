#include "devices/backend/char/host_end.h"

#include <array>
#include <fcntl.h>
#include <pty.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace devices {
namespace {

/// Writes until the other side has no room; a write that waited would hang the test.
void fill(const HostEnd& end) {
  const std::vector<std::byte> data(100'000);
  size_t written = 0;
  ssize_t count = 0;
  while ((count = end.write(data)) > 0) written += static_cast<size_t>(count);
  EXPECT_EQ(count, -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_GT(written, 0u);
}

class HostEndTest : public ::testing::Test {
 protected:
  HostEndTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  hv::UniqueFd reader;
  hv::UniqueFd writer;
};

TEST_F(HostEndTest, APipeIsOpenedAnewAndDoesNotWait) {
  const auto end = HostEnd::share(writer.get());
  ASSERT_TRUE(end);
  EXPECT_NE(::fcntl(end->fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0);
  fill(*end);
}

TEST_F(HostEndTest, APipeThatCannotBeOpenedAnewDoesNotWaitEither) {
  HostEnd end;
  end.fd.reset(::dup(writer.get()));
  end.may_block = true;
  fill(end);
}

TEST_F(HostEndTest, NorDoesATerminal) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const hv::UniqueFd person(master);
  const hv::UniqueFd tty(slave);
  const auto end = HostEnd::share(tty.get());
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->is_terminal);
  fill(*end);
}

TEST_F(HostEndTest, AClosedDescriptorIsAnError) {
  const int closed = ::dup(reader.get());
  ::close(closed);
  EXPECT_FALSE(HostEnd::share(closed));
}

}  // namespace
}  // namespace devices
