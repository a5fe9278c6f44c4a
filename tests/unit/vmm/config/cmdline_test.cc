#include "vmm/config/cmdline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmm {
namespace {

using testing::HasSubstr;

std::string words(int count, const std::string& word) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (text.empty() ? "" : " ") + word;
  return text;
}

TEST(Cmdline, IsGivenToLinuxAsItIs) {
  EXPECT_EQ(kernel_cmdline("root=/dev/vda rw quiet"), "root=/dev/vda rw quiet");
  EXPECT_EQ(kernel_cmdline("not.vireo.run=1"), "not.vireo.run=1");
  EXPECT_EQ(kernel_cmdline(""), "");
}

TEST(Cmdline, HidesAGuestsCommandFromLinux) {
  EXPECT_EQ(kernel_cmdline("rw vireo.run=mount -o ro"), "rw vireo.args=\" vireo.run=mount -o ro");
  EXPECT_EQ(kernel_cmdline("vireo.run=quiet"), "vireo.args=\" vireo.run=quiet");
}

TEST(Cmdline, MayHaveAsManyWordsForInitAsLinuxTakes) {
  EXPECT_TRUE(check_cmdline(words(32, "word")));
  const auto refused = check_cmdline(words(33, "word"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("33 words without a value, and it can hand 32 to init"));
}

TEST(Cmdline, CountsOnlyWordsThatLinuxMayHandToInit) {
  EXPECT_TRUE(check_cmdline(words(40, "a=1")));
  EXPECT_TRUE(check_cmdline(words(40, "module.switch")));
  EXPECT_TRUE(check_cmdline("a=\"" + words(40, "word") + "\""));
  EXPECT_FALSE(check_cmdline("-- " + words(33, "a=1")));
}

TEST(Cmdline, LetsAGuestsCommandHaveManyWords) {
  EXPECT_TRUE(check_cmdline("quiet vireo.run=" + words(100, "word")));
  EXPECT_TRUE(check_cmdline("quiet vireo.run=echo \"" + words(32, "word") + "\""));
  EXPECT_FALSE(check_cmdline("quiet vireo.run=echo \"" + words(36, "word") + "\""));
}

TEST(Cmdline, IsNotCutOff) {
  EXPECT_TRUE(check_cmdline(std::string(900, 'a')));
  EXPECT_FALSE(check_cmdline(std::string(2100, 'a')));
}

}  // namespace
}  // namespace vmm
