#include "devices/backend/char/escape_filter.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace devices {
namespace {

class EscapeFilterTest : public ::testing::Test {
 protected:
  std::string type(std::string_view typed) {
    std::vector<std::byte> out;
    filter.filter(std::as_bytes(std::span(typed)), out);
    return {reinterpret_cast<const char*>(out.data()), out.size()};
  }

  std::vector<TerminalKey> keys;
  EscapeFilter filter{[this](TerminalKey key) { keys.push_back(key); }};
};

TEST_F(EscapeFilterTest, PassesWhatIsTypedOn) {
  EXPECT_EQ(type("ls\r\x03\x1a"), "ls\r\x03\x1a");
  EXPECT_TRUE(keys.empty());
}

TEST_F(EscapeFilterTest, TakesTheKeyAfterControlA) {
  EXPECT_EQ(type("a\x01xb\x01hc\x01"
                 "c\x01id\x01"
                 "b\x01pe"),
            "abcde");
  EXPECT_EQ(keys, (std::vector{TerminalKey::leave, TerminalKey::help, TerminalKey::info, TerminalKey::info,
                               TerminalKey::send_break, TerminalKey::power}));
}

TEST_F(EscapeFilterTest, ControlATwiceIsOneForTheGuest) { EXPECT_EQ(type("\x01\x01x"), "\x01x"); }

TEST_F(EscapeFilterTest, RemembersControlABetweenReads) {
  EXPECT_EQ(type("a\x01"), "a");
  EXPECT_EQ(type("x"), "");
  EXPECT_EQ(keys, std::vector{TerminalKey::leave});
  EXPECT_EQ(type("x"), "x");
}

TEST_F(EscapeFilterTest, DropsAKeyWithoutAMeaning) {
  EXPECT_EQ(type("\x01zq"), "q");
  EXPECT_TRUE(keys.empty());
}

}  // namespace
}  // namespace devices
