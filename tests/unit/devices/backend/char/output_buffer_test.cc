#include "devices/backend/char/output_buffer.h"

#include <gtest/gtest.h>

namespace devices {
namespace {

std::vector<std::byte> bytes(size_t count) { return std::vector<std::byte>(count, std::byte{7}); }

TEST(OutputBuffer, WakesASleepingDrainerOnce) {
  OutputBuffer buffer;
  EXPECT_TRUE(buffer.push(bytes(1)).wake);
  EXPECT_FALSE(buffer.push(bytes(1)).wake);
  std::vector<std::byte> out;
  EXPECT_TRUE(buffer.take(out));
  EXPECT_EQ(out.size(), 2u);
  EXPECT_FALSE(buffer.push(bytes(1)).wake);
}

TEST(OutputBuffer, WakesALingeringDrainerWhenHalfFull) {
  OutputBuffer buffer;
  buffer.linger();
  EXPECT_FALSE(buffer.push(bytes(OutputBuffer::kCapacity / 2 - 1)).wake);
  EXPECT_TRUE(buffer.push(bytes(1)).wake);
  EXPECT_FALSE(buffer.push(bytes(1)).wake);
}

TEST(OutputBuffer, SleepsOnceItHasBeenFoundEmpty) {
  OutputBuffer buffer;
  std::vector<std::byte> out;
  EXPECT_FALSE(buffer.take(out));
  EXPECT_TRUE(buffer.push(bytes(1)).wake);
}

TEST(OutputBuffer, TakesOnlyWhatFitsAndRemembersIt) {
  OutputBuffer buffer;
  EXPECT_EQ(buffer.push(bytes(OutputBuffer::kCapacity - 1)).taken, OutputBuffer::kCapacity - 1);
  EXPECT_FALSE(buffer.was_short());
  EXPECT_EQ(buffer.push(bytes(2)).taken, 1u);
  EXPECT_TRUE(buffer.was_short());
  EXPECT_FALSE(buffer.was_short());
}

}  // namespace
}  // namespace devices
