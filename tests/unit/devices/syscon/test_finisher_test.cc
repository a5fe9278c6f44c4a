#include "devices/syscon/test_finisher.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/devices/random_mmio.h"

namespace devices {
namespace {

struct Machine : hv::MachineControl {
  void power_off(int code) noexcept override { asked += fmt::format("off {};", code); }
  void reboot() noexcept override { asked += "reboot;"; }
  std::string asked;
};

class TestFinisherTest : public ::testing::Test {
 protected:
  Machine machine;
  TestFinisher finisher{machine};
};

TEST_F(TestFinisherTest, PassPowersOffWithStatusZero) {
  finisher.bus_write(0, 4, 0x5555);
  EXPECT_EQ(machine.asked, "off 0;");
}

TEST_F(TestFinisherTest, FailPowersOffWithTheGuestsStatus) {
  finisher.bus_write(0, 4, 0x3333 | (42u << 16));
  EXPECT_EQ(machine.asked, "off 42;");
}

TEST_F(TestFinisherTest, ResetReboots) {
  finisher.bus_write(0, 4, 0x7777);
  EXPECT_EQ(machine.asked, "reboot;");
}

TEST_F(TestFinisherTest, AnythingElseDoesNothing) {
  finisher.bus_write(0, 4, 0x1234);
  finisher.bus_write(4, 4, 0x5555);
  finisher.bus_write(0, 1, 0x55);
  finisher.bus_write(0, 8, 0x5555);
  EXPECT_EQ(finisher.bus_read(0, 4), 0u);
  EXPECT_EQ(machine.asked, "");
}

TEST_F(TestFinisherTest, ItsSavedStateIsAccepted) {
  hv::StateWriter writer;
  finisher.save(writer);
  hv::StateReader reader(writer.data());
  EXPECT_TRUE(finisher.load(reader));
}

TEST_F(TestFinisherTest, SurvivesAnyAccess) {
  access_at_random(finisher, TestFinisher::kSize);
  machine.asked.clear();
  finisher.bus_write(0, 4, 0x7777);
  EXPECT_EQ(machine.asked, "reboot;");
}

}  // namespace
}  // namespace devices
