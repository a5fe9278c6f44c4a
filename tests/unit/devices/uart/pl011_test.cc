#include "devices/uart/pl011.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/test_interrupt.h"
#include "tests/unit/devices/uart/fake_backend.h"

namespace devices {
namespace {

constexpr uint64_t kData = 0x00;
constexpr uint64_t kFlag = 0x18;
constexpr uint64_t kLineControl = 0x2c;
constexpr uint64_t kControl = 0x30;
constexpr uint64_t kLevels = 0x34;
constexpr uint64_t kMask = 0x38;
constexpr uint64_t kMasked = 0x40;
constexpr uint64_t kClear = 0x44;
constexpr uint32_t kFifos = 0x10;
constexpr uint32_t kReceive = 0x10;
constexpr uint32_t kTransmit = 0x20;
constexpr uint32_t kTimeOut = 0x40;
constexpr uint32_t kBreak = 0x200;

class Pl011Test : public ::testing::Test {
 protected:
  uint32_t read(uint64_t offset) { return static_cast<uint32_t>(uart.bus_read(offset, 4)); }
  void write(uint64_t offset, uint32_t value) { uart.bus_write(offset, 4, value); }
  size_t type(std::string_view text) { return type_into(uart, text); }

  FakeBackend backend;
  test::TestInterrupt pin;
  Pl011 uart{backend, hv::InterruptLine(pin, 1)};
};

TEST_F(Pl011Test, SaysWhatItIs) {
  uint64_t identity = 0;
  for (uint64_t i = 0; i < 8; ++i) identity |= uint64_t{read(0xfe0 + 4 * i)} << (8 * i);
  EXPECT_EQ(identity, 0xb105'f00d'0014'1011u);
}

TEST_F(Pl011Test, SendsWhatIsWritten) {
  for (const char c : std::string_view("hello")) write(kData, static_cast<uint8_t>(c));
  EXPECT_EQ(backend.sent, "hello");
  EXPECT_EQ(read(kFlag), 0x97u);
}

TEST_F(Pl011Test, KeepsWhatTheBackendHasNoRoomFor) {
  write(kLineControl, kFifos);
  backend.room = 1;
  for (const char c : std::string_view("0123456789abcdefgh")) write(kData, static_cast<uint8_t>(c));
  EXPECT_EQ(read(kFlag) & 0xa0u, 0x20u);  // full
  backend.room = 100;
  uart.output_ready();
  EXPECT_EQ(backend.sent, "0123456789abcdefg");
  EXPECT_EQ(read(kFlag) & 0xa0u, 0x80u);
}

TEST_F(Pl011Test, InterruptsForInputUntilItIsRead) {
  write(kMask, kReceive | kTimeOut);
  EXPECT_EQ(type("a"), 1u);
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(read(kMasked), kReceive | kTimeOut);
  EXPECT_EQ(read(kData), uint32_t{'a'});
  EXPECT_FALSE(pin.level());
  EXPECT_EQ(read(kFlag) & 0x10u, 0x10u);
}

TEST_F(Pl011Test, TakesSixteenBytesAndAsksForMore) {
  write(kLineControl, kFifos);
  write(kLevels, 0x12);
  write(kMask, kReceive);
  EXPECT_EQ(type("1234567"), 7u);
  EXPECT_FALSE(pin.level());
  EXPECT_EQ(type("89abcdefghi"), 9u);
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(type("x"), 0u);
  for (int i = 0; i < 7; ++i) read(kData);
  EXPECT_EQ(backend.input_requests, 0);
  read(kData);
  EXPECT_EQ(backend.input_requests, 1);
}

TEST_F(Pl011Test, InterruptsWhenItHasSent) {
  write(kMask, kTransmit);
  EXPECT_FALSE(pin.level());
  write(kData, 'x');
  EXPECT_TRUE(pin.level());
  write(kClear, kTransmit);
  EXPECT_FALSE(pin.level());
}

TEST_F(Pl011Test, ShowsABreak) {
  write(kMask, kBreak);
  uart.break_received();
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(read(kData), 0x400u);
}

TEST_F(Pl011Test, ANarrowReadGetsNoMoreThanItAskedFor) {
  uart.break_received();
  EXPECT_EQ(uart.bus_read(kData, 1), 0);
}

TEST_F(Pl011Test, LoopsBack) {
  write(kControl, 0x381);
  write(kData, 'q');
  EXPECT_EQ(backend.sent, "");
  EXPECT_EQ(read(kData), uint32_t{'q'});
}

TEST_F(Pl011Test, StateIsTakenOver) {
  write(kLineControl, kFifos);
  write(kMask, kReceive | kTimeOut);
  type("abc");
  hv::StateWriter writer;
  uart.save(writer);
  test::TestInterrupt other_pin;
  Pl011 other(backend, hv::InterruptLine(other_pin, 1));
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_TRUE(other_pin.level());
  EXPECT_EQ(other.bus_read(kData, 4), uint64_t{'a'});
}

}  // namespace
}  // namespace devices
