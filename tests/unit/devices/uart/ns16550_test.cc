#include "devices/uart/ns16550.h"

#include <algorithm>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/test_interrupt.h"
#include "tests/unit/devices/random_mmio.h"
#include "tests/unit/devices/uart/fake_backend.h"

namespace devices {
namespace {

constexpr uint64_t kData = 0;
constexpr uint64_t kIer = 1;
constexpr uint64_t kIirFcr = 2;
constexpr uint64_t kLcr = 3;
constexpr uint64_t kMcr = 4;
constexpr uint64_t kLsr = 5;
constexpr uint64_t kMsr = 6;
constexpr uint64_t kScratch = 7;

class Ns16550Test : public ::testing::Test {
 protected:
  uint8_t read(uint64_t reg) { return static_cast<uint8_t>(uart.bus_read(reg, 1)); }
  void write(uint64_t reg, uint8_t value) { uart.bus_write(reg, 1, value); }
  void enable_fifo(uint8_t trigger = 0) { write(kIirFcr, static_cast<uint8_t>(0x01 | trigger << 6)); }
  size_t type(std::string_view text) { return type_into(uart, text); }

  FakeBackend backend;
  test::TestInterrupt pin;
  Ns16550 uart{backend, hv::InterruptLine(pin, 10)};
};

TEST_F(Ns16550Test, SendsWhatIsWritten) {
  for (const char c : std::string_view("hello")) write(kData, static_cast<uint8_t>(c));
  EXPECT_EQ(backend.sent, "hello");
  EXPECT_EQ(read(kLsr), 0x60);
}

TEST_F(Ns16550Test, AFullBackendHoldsTheTransmitterBack) {
  enable_fifo();
  backend.room = 1;
  for (const char c : std::string_view("abc")) write(kData, static_cast<uint8_t>(c));
  EXPECT_EQ(backend.sent, "a");
  EXPECT_EQ(read(kLsr) & 0x60, 0);
  backend.room = 100;
  uart.output_ready();
  EXPECT_EQ(backend.sent, "abc");
  EXPECT_EQ(read(kLsr) & 0x60, 0x60);
}

TEST_F(Ns16550Test, TheTransmitterInterruptsWhenItHasRunEmpty) {
  enable_fifo();
  write(kIer, 0x02);
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(read(kIirFcr), 0xc2);
  EXPECT_EQ(read(kIirFcr), 0xc1);
  EXPECT_FALSE(pin.level());
  backend.room = 0;
  write(kData, 'x');
  EXPECT_FALSE(pin.level());
  backend.room = 1;
  uart.output_ready();
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(read(kIirFcr), 0xc2);
}

TEST_F(Ns16550Test, AByteMoreThanFitsReplacesTheLast) {
  backend.room = 0;
  write(kData, 'a');
  write(kData, 'b');
  backend.room = 10;
  uart.output_ready();
  EXPECT_EQ(backend.sent, "b");
}

TEST_F(Ns16550Test, ReceivesIntoItsFifo) {
  enable_fifo();
  EXPECT_EQ(type("0123456789abcdefXYZ"), 16u);
  EXPECT_EQ(uart.can_accept(), 0u);
  std::string got;
  while ((read(kLsr) & 1) != 0) got += static_cast<char>(read(kData));
  EXPECT_EQ(got, "0123456789abcdef");
}

TEST_F(Ns16550Test, WithoutFifosItHoldsOneByte) {
  EXPECT_EQ(type("ab"), 1u);
  EXPECT_EQ(read(kData), 'a');
  EXPECT_EQ(uart.can_accept(), 1u);
}

TEST_F(Ns16550Test, AsksForInputOnceTheFifoIsHalfEmpty) {
  enable_fifo();
  type("0123456789abcdef");
  ASSERT_EQ(uart.can_accept(), 0u);
  for (int i = 0; i < 7; ++i) read(kData);
  EXPECT_EQ(backend.input_requests, 0);
  for (int i = 0; i < 9; ++i) read(kData);
  EXPECT_EQ(backend.input_requests, 1);
}

TEST_F(Ns16550Test, InterruptsAtTheTriggerLevelAndForALineGoneQuiet) {
  enable_fifo(2);
  write(kIer, 0x01);
  type("1234567");
  EXPECT_TRUE(pin.level());
  EXPECT_EQ(read(kIirFcr), 0xcc);
  type("8");
  EXPECT_EQ(read(kIirFcr), 0xc4);
  for (int i = 0; i < 8; ++i) read(kData);
  EXPECT_EQ(read(kIirFcr), 0xc1);
  EXPECT_FALSE(pin.level());
}

TEST_F(Ns16550Test, ALargeFifoNeedsTheDivisorLatchOpen) {
  write(kIirFcr, 0x21);
  EXPECT_EQ(read(kIirFcr), 0xc1);
  write(kLcr, 0x80);
  write(kIirFcr, 0xe1);
  write(kLcr, 0x03);
  EXPECT_EQ(read(kIirFcr), 0xe1);
  EXPECT_EQ(uart.can_accept(), 64u);
  write(kIer, 0x01);
  type(std::string(55, 'x'));
  EXPECT_EQ(read(kIirFcr), 0xec);
  type("x");
  EXPECT_EQ(read(kIirFcr), 0xe4);
}

TEST_F(Ns16550Test, TheFifosCanBeCleared) {
  enable_fifo();
  type("abc");
  backend.room = 0;
  write(kData, 'x');
  write(kIirFcr, 0x07);
  EXPECT_EQ(read(kLsr), 0x60);
  backend.room = 10;
  uart.output_ready();
  EXPECT_EQ(backend.sent, "");
}

TEST_F(Ns16550Test, InterruptsComeInTheOrderOfTheirPriority) {
  enable_fifo();
  write(kIer, 0x0f);
  uart.connection_changed(false);
  type("a");
  uart.break_received();
  read(kData);
  EXPECT_EQ(read(kIirFcr) & 0x0f, 0x06);
  read(kLsr);
  EXPECT_EQ(read(kIirFcr) & 0x0f, 0x04);
  read(kData);
  EXPECT_EQ(read(kIirFcr) & 0x0f, 0x02);
  EXPECT_EQ(read(kIirFcr) & 0x0f, 0x00);
  EXPECT_EQ(read(kMsr), 0x1a);
  EXPECT_EQ(read(kIirFcr) & 0x0f, 0x01);
  EXPECT_FALSE(pin.level());
}

TEST_F(Ns16550Test, ABreakIsAZeroByteWithItsErrorBit) {
  enable_fifo();
  type("a");
  uart.break_received();
  EXPECT_EQ(read(kLsr), 0xe1);
  EXPECT_EQ(read(kData), 'a');
  EXPECT_EQ(read(kLsr), 0xf1);
  EXPECT_EQ(read(kLsr), 0x61);
  EXPECT_EQ(read(kData), 0);
  EXPECT_EQ(read(kLsr), 0x60);
}

TEST_F(Ns16550Test, LoopbackHearsItselfAndNothingElse) {
  write(kMcr, 0x10);
  write(kData, 'q');
  EXPECT_EQ(backend.sent, "");
  EXPECT_EQ(uart.can_accept(), 0u);
  EXPECT_EQ(read(kData), 'q');
  write(kData, 'a');
  write(kData, 'b');
  EXPECT_EQ(read(kLsr), 0x63);
  EXPECT_EQ(read(kData), 'b');
  write(kMcr, 0x00);
  EXPECT_EQ(backend.input_requests, 1);
  EXPECT_EQ(uart.can_accept(), 1u);
}

TEST_F(Ns16550Test, LoopbackTurnsModemOutputsIntoInputs) {
  for (const auto& [mcr, msr] : {std::pair{0x12, 0x10}, {0x11, 0x20}, {0x14, 0x40}, {0x18, 0x80}}) {
    write(kMcr, static_cast<uint8_t>(mcr));
    EXPECT_EQ(read(kMsr) & 0xf0, msr);
  }
}

TEST_F(Ns16550Test, ModemStatusFollowsTheConnection) {
  EXPECT_EQ(read(kMsr), 0xb0);
  uart.connection_changed(false);
  EXPECT_EQ(read(kMsr), 0x1a);
  EXPECT_EQ(read(kMsr), 0x10);
}

TEST_F(Ns16550Test, TheOtherRegistersKeepWhatIsWritten) {
  write(kScratch, 0xa5);
  write(kLcr, 0x83);
  write(kData, 0x12);
  write(kIer, 0x34);
  EXPECT_EQ(read(kData), 0x12);
  EXPECT_EQ(read(kIer), 0x34);
  write(kLcr, 0x03);
  write(kIer, 0xff);
  EXPECT_EQ(read(kIer), 0x0f);
  EXPECT_EQ(read(kScratch), 0xa5);
  EXPECT_EQ(read(kLcr), 0x03);
  EXPECT_EQ(backend.sent, "");
}

TEST_F(Ns16550Test, ASavedStateGoesOnInAnother) {
  enable_fifo(1);
  write(kIer, 0x03);
  write(kScratch, 9);
  type("in");
  backend.room = 0;
  write(kData, 'o');
  write(kData, 'u');
  hv::StateWriter writer;
  uart.save(writer);
  FakeBackend other_backend;
  test::TestInterrupt other_pin;
  Ns16550 other(other_backend, hv::InterruptLine(other_pin, 10));
  hv::StateReader reader(writer.data());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(other_backend.sent, "ou");
  EXPECT_TRUE(other_pin.level());
  EXPECT_EQ(other.bus_read(kIirFcr, 1), 0xccu);
  EXPECT_EQ(other.bus_read(kData, 1), 'i');
  EXPECT_EQ(other.bus_read(kData, 1), 'n');
  EXPECT_EQ(other.bus_read(kScratch, 1), 9u);
}

TEST_F(Ns16550Test, RegistersCanBeFourBytesApart) {
  Ns16550 wide(backend, {}, 2);
  wide.bus_write(0, 4, 'w');
  wide.bus_write(7 << 2, 4, 0x55);
  EXPECT_EQ(backend.sent, "w");
  EXPECT_EQ(wide.bus_read(7 << 2, 4), 0x55u);
  backend.attach(&uart);
}

TEST_F(Ns16550Test, SurvivesAnyAccess) {
  access_at_random(uart, 8);
  access_at_random(uart, 0x100);
  hv::StateWriter writer;
  uart.save(writer);
  hv::StateReader reader(writer.data());
  EXPECT_TRUE(uart.load(reader));
}

TEST(Ns16550, LosesNothingBetweenThreads) {
  struct QuietBackend : FakeBackend {
    size_t write(std::span<const std::byte> data) noexcept override { return data.size(); }
  } backend;
  test::TestInterrupt pin;
  Ns16550 uart(backend, hv::InterruptLine(pin, 10));
  uart.bus_write(kIirFcr, 1, 0x01);
  constexpr int kCount = 2000;
  std::jthread host([&] {
    for (int i = 0; i < kCount;) {
      const size_t room = std::min<size_t>(uart.can_accept(), static_cast<size_t>(kCount - i));
      std::array<std::byte, 64> bytes;
      for (size_t k = 0; k < room; ++k) bytes[k] = static_cast<std::byte>(i++ % 251);
      if (room != 0) uart.receive(std::span(bytes).first(room));
      if (room == 0) std::this_thread::yield();
    }
  });
  for (int i = 0; i < kCount;) {
    uart.bus_write(kData, 1, 'x');
    if ((uart.bus_read(kLsr, 1) & 1) == 0) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(uart.bus_read(kData, 1), static_cast<uint64_t>(i % 251));
    ++i;
  }
}

}  // namespace
}  // namespace devices
