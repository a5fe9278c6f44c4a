#include "devices/irq/plic.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/devices/random_mmio.h"

namespace devices {
namespace {

constexpr uint64_t kPending = 0x1000;
constexpr unsigned kMachine0 = 0;
constexpr unsigned kSupervisor0 = 1;
constexpr unsigned kSupervisor1 = 3;

/// A PLIC of 40 sources and 2 harts, and its output pins.
class PlicTest : public ::testing::Test {
 protected:
  void set_priority(uint32_t source, uint32_t value) { plic.bus_write(4 * source, 4, value); }
  void enable(unsigned context, uint32_t source) {
    const uint64_t offset = 0x2000 + 0x80 * context + source / 32 * 4;
    plic.bus_write(offset, 4, plic.bus_read(offset, 4) | (uint64_t{1} << (source % 32)));
  }
  void set_threshold(unsigned context, uint32_t value) { plic.bus_write(0x200000 + 0x1000 * context, 4, value); }
  uint64_t claim(unsigned context) { return plic.bus_read(0x200004 + 0x1000 * context, 4); }
  void complete(unsigned context, uint64_t source) { plic.bus_write(0x200004 + 0x1000 * context, 4, source); }
  bool pending(uint32_t source) { return (plic.bus_read(kPending + source / 32 * 4, 4) >> (source % 32) & 1) != 0; }
  bool pin(unsigned context) { return pins[context]; }

  std::map<unsigned, bool> pins;
  Plic plic{40, 2, [this](unsigned hart, bool machine, bool level) { pins[2 * hart + (machine ? 0 : 1)] = level; }};
};

TEST_F(PlicTest, AnEnabledSourceRaisesThePinOfItsContextOnly) {
  set_priority(10, 1);
  enable(kSupervisor1, 10);
  plic.set_line(10, true);
  EXPECT_TRUE(pending(10));
  EXPECT_TRUE(pin(kSupervisor1));
  EXPECT_FALSE(pin(kMachine0));
  EXPECT_FALSE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, AClaimTakesTheRequestAndLowersThePin) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  EXPECT_EQ(claim(kSupervisor0), 10u);
  EXPECT_FALSE(pending(10));
  EXPECT_FALSE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, ALineStillHighAtCompletionInterruptsAgain) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  ASSERT_EQ(claim(kSupervisor0), 10u);
  complete(kSupervisor0, 10);
  EXPECT_TRUE(pending(10));
  EXPECT_TRUE(pin(kSupervisor0));
}

TEST_F(PlicTest, ALineThatFellBeforeCompletionDoesNot) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  ASSERT_EQ(claim(kSupervisor0), 10u);
  plic.set_line(10, false);
  complete(kSupervisor0, 10);
  EXPECT_FALSE(pending(10));
  EXPECT_FALSE(pin(kSupervisor0));
}

TEST_F(PlicTest, ALineThatRisesWhileClaimedWaitsForTheCompletion) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  ASSERT_EQ(claim(kSupervisor0), 10u);
  plic.set_line(10, false);
  plic.set_line(10, true);
  EXPECT_FALSE(pending(10));
  complete(kSupervisor0, 10);
  EXPECT_EQ(claim(kSupervisor0), 10u);
}

TEST_F(PlicTest, ARequestStaysWhenItsLineFalls) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  plic.set_line(10, false);
  EXPECT_TRUE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 10u);
}

TEST_F(PlicTest, TheHighestPriorityComesFirstAndThenTheLowestNumber) {
  set_priority(5, 2);
  set_priority(33, 7);
  set_priority(4, 2);
  for (const uint32_t source : {5u, 33u, 4u}) {
    enable(kSupervisor0, source);
    plic.set_line(source, true);
  }
  EXPECT_EQ(claim(kSupervisor0), 33u);
  EXPECT_EQ(claim(kSupervisor0), 4u);
  EXPECT_EQ(claim(kSupervisor0), 5u);
  EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, TheThresholdMasksThePinButNotAClaim) {
  set_priority(10, 3);
  enable(kSupervisor0, 10);
  set_threshold(kSupervisor0, 3);
  plic.set_line(10, true);
  EXPECT_FALSE(pin(kSupervisor0));
  set_threshold(kSupervisor0, 2);
  EXPECT_TRUE(pin(kSupervisor0));
  set_threshold(kSupervisor0, 7);
  EXPECT_FALSE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 10u);
}

TEST_F(PlicTest, PriorityZeroNeverInterrupts) {
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  EXPECT_TRUE(pending(10));
  EXPECT_FALSE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 0u);
  set_priority(10, 1);
  EXPECT_TRUE(pin(kSupervisor0));
}

TEST_F(PlicTest, OneOfTwoContextsClaimsASharedSource) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  enable(kSupervisor1, 10);
  plic.set_line(10, true);
  ASSERT_TRUE(pin(kSupervisor0) && pin(kSupervisor1));
  EXPECT_EQ(claim(kSupervisor1), 10u);
  EXPECT_FALSE(pin(kSupervisor0));
  EXPECT_EQ(claim(kSupervisor0), 0u);
}

TEST_F(PlicTest, ACompletionByAContextThatDidNotEnableTheSourceIsIgnored) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  ASSERT_EQ(claim(kSupervisor0), 10u);
  complete(kSupervisor1, 10);
  EXPECT_FALSE(pending(10));
  complete(kSupervisor0, 10);
  EXPECT_TRUE(pending(10));
}

TEST_F(PlicTest, RegistersKeepOnlyTheBitsThatExist) {
  plic.bus_write(0, 4, 7);
  plic.bus_write(4 * 3, 4, 0xff);
  plic.bus_write(4 * 41, 4, 7);
  plic.bus_write(0x2000, 4, 0xffff'ffff);
  plic.bus_write(0x2004, 4, 0xffff'ffff);
  plic.bus_write(0x2008, 4, 0xffff'ffff);
  plic.bus_write(kPending, 4, 0xffff'ffff);
  EXPECT_EQ(plic.bus_read(0, 4), 0u);
  EXPECT_EQ(plic.bus_read(4 * 3, 4), 7u);
  EXPECT_EQ(plic.bus_read(4 * 41, 4), 0u);
  EXPECT_EQ(plic.bus_read(0x2000, 4), 0xffff'fffeu);
  EXPECT_EQ(plic.bus_read(0x2004, 4), 0x1ffu);
  EXPECT_EQ(plic.bus_read(0x2008, 4), 0u);
  EXPECT_EQ(plic.bus_read(kPending, 4), 0u);
}

TEST_F(PlicTest, AccessesOfOtherSizesDoNothing) {
  set_priority(10, 1);
  enable(kSupervisor0, 10);
  plic.set_line(10, true);
  EXPECT_EQ(plic.bus_read(0x201004, 8), 0u);
  EXPECT_EQ(plic.bus_read(0x201004, 1), 0u);
  EXPECT_EQ(claim(kSupervisor0), 10u);
}

TEST_F(PlicTest, ASavedStateGoesOnInAnotherPlic) {
  for (const uint32_t source : {10u, 35u}) {
    set_priority(source, source == 10 ? 1 : 5);
    enable(kSupervisor0, source);
    plic.set_line(source, true);
  }
  set_threshold(kSupervisor0, 2);
  ASSERT_EQ(claim(kSupervisor0), 35u);
  hv::StateWriter writer;
  plic.save(writer);
  std::map<unsigned, bool> other_pins;
  Plic other(40, 2, [&](unsigned hart, bool machine, bool level) { other_pins[2 * hart + (machine ? 0 : 1)] = level; });
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_FALSE(other_pins[kSupervisor0]);  // 10 is below the threshold
  other.bus_write(0x201004, 4, 35);        // still high
  EXPECT_TRUE(other_pins[kSupervisor0]);
  hv::StateWriter again;
  other.save(again);
  other.set_line(35, false);
  EXPECT_EQ(other.bus_read(0x201004, 4), 35u);
  EXPECT_EQ(other.bus_read(0x201004, 4), 10u);
}

TEST_F(PlicTest, RefusesTheStateOfAnotherMachine) {
  hv::StateWriter writer;
  Plic(41, 2, [](unsigned, bool, bool) {}).save(writer);
  hv::StateReader reader(writer.data());
  EXPECT_FALSE(plic.load(reader));
}

TEST_F(PlicTest, SurvivesAnyAccess) {
  for (uint32_t source = 1; source <= 40; source += 3) plic.set_line(source, true);
  access_at_random(plic, plic.size());
  hv::StateWriter writer;
  plic.save(writer);
  hv::StateReader reader(writer.data());
  EXPECT_TRUE(plic.load(reader));
}

TEST(Plic, EachInterruptIsClaimedOnceByManyThreads) {
  constexpr unsigned kSources = 64;
  Plic plic(kSources, 4, [](unsigned, bool, bool) {});
  for (uint32_t source = 1; source <= kSources; ++source) {
    plic.bus_write(4 * source, 4, 1);
  }
  for (uint64_t context = 1; context < 8; context += 2) {
    for (uint64_t word = 0; word < 3; ++word) plic.bus_write(0x2000 + 0x80 * context + 4 * word, 4, 0xffff'ffff);
  }
  for (uint32_t source = 1; source <= kSources; ++source) plic.set_line(source, true);
  std::array<std::atomic<int>, kSources + 1> claims{};
  std::vector<std::jthread> threads;
  for (uint64_t context = 1; context < 8; context += 2) {
    threads.emplace_back([&plic, &claims, context] {
      while (const uint64_t source = plic.bus_read(0x200004 + 0x1000 * context, 4)) ++claims[source];
    });
  }
  threads.clear();
  for (uint32_t source = 1; source <= kSources; ++source) EXPECT_EQ(claims[source], 1) << source;
}

}  // namespace
}  // namespace devices
