#include <gmock/gmock.h>

#include "devices/power/acpi_events.h"
#include "devices/power/acpi_power.h"
#include "devices/power/i8042_reset.h"

namespace devices {
namespace {

class Control : public hv::MachineControl {
 public:
  void power_off(int code) noexcept override { off += code == 0 ? 1 : 100; }
  void reboot() noexcept override { ++reboots; }
  int off = 0;
  int reboots = 0;
};

TEST(AcpiPower, SoftOffPowersOffAndOtherSleepsDoNothing) {
  Control control;
  AcpiPower power(control);
  power.bus_write(AcpiPower::kSleepControl, 1, 5u << 2);
  power.bus_write(AcpiPower::kSleepControl, 1, 3u << 2 | 1u << 5);
  power.bus_write(AcpiPower::kSleepControl, 2, 5u << 2 | 1u << 5);
  EXPECT_EQ(control.off, 0);
  power.bus_write(AcpiPower::kSleepControl, 1, 5u << 2 | 1u << 5);
  EXPECT_EQ(control.off, 1);
}

TEST(AcpiPower, TheResetRegisterTakesItsValueOnly) {
  Control control;
  AcpiPower power(control);
  power.bus_write(AcpiPower::kReset, 1, 0);
  EXPECT_EQ(control.reboots, 0);
  power.bus_write(AcpiPower::kReset, 1, AcpiPower::kResetValue);
  EXPECT_EQ(control.reboots, 1);
}

class Line : public hv::InterruptSink {
 public:
  void set_line(uint32_t line, bool level) noexcept override { changes.push_back(level ? line : ~line); }
  std::vector<uint32_t> changes;
};

TEST(AcpiEvents, APressIsAnEdgeAndIsReadOnce) {
  Line line;
  AcpiEvents events({line, 9});
  EXPECT_EQ(events.bus_read(0, 1), 0u);
  events.press_power_button();
  EXPECT_THAT(line.changes, testing::ElementsAre(9u, ~9u));
  EXPECT_EQ(events.bus_read(0, 4), 0u);
  EXPECT_EQ(events.bus_read(0, 1), AcpiEvents::kPowerButton);
  EXPECT_EQ(events.bus_read(0, 1), 0u);
}

TEST(AcpiEvents, APressThatWasNotReadIsSaved) {
  AcpiEvents pressed({}), other({});
  pressed.press_power_button();
  hv::StateWriter writer;
  pressed.save(writer);
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(other.bus_read(0, 1), AcpiEvents::kPowerButton);
}

TEST(AcpiEvents, AnEventThatThereIsNotIsRefused) {
  hv::StateWriter writer;
  writer.section("acpi-events", 1, [&] { writer.value(uint8_t{2}); });
  hv::StateReader reader(writer.data());
  EXPECT_FALSE(AcpiEvents({}).load(reader));
}

TEST(I8042Reset, PulsesTheResetLine) {
  Control control;
  I8042Reset controller(control);
  EXPECT_EQ(controller.bus_read(4, 1), 0u);
  controller.bus_write(0, 1, 0xfe);
  controller.bus_write(4, 1, 0xd1);
  EXPECT_EQ(control.reboots, 0);
  controller.bus_write(4, 1, 0xfe);
  EXPECT_EQ(control.reboots, 1);
}

}  // namespace
}  // namespace devices
