#include "devices/virtio/console.h"

#include <deque>
#include <mutex>

#include <gmock/gmock.h>

#include "tests/support/virtio_guest.h"

namespace devices::virtio {
namespace {

using test::bytes_of;
using test::bytes_of_text;
using test::text_of;
using test::Used;
using test::VirtioGuest;

constexpr uint64_t kSize = 1 << 0;
constexpr uint64_t kMultiport = 1 << 1;

// The host's end of a port, by hand. Its calls to the device come from the test's thread, as from another loop.
class HostEnd final : public CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override {
    const std::lock_guard lock(mutex_);
    const size_t taken = std::min(data.size(), room_);
    room_ -= taken;
    output_ += text_of(data.first(taken));
    return taken;
  }
  void input_ready() noexcept override { ++input_ready_calls; }
  void attach(CharDevice* device) noexcept override { device_ = device; }
  bool connected() const noexcept override { return connected_; }
  std::optional<WindowSize> window_size() const noexcept override {
    const std::lock_guard lock(mutex_);
    return size_;
  }

  size_t type(std::string_view text) {
    const size_t taken = std::min(device_->can_accept(), text.size());
    device_->receive(bytes_of_text(text.substr(0, taken)));
    return taken;
  }
  void make_room(size_t room) {
    {
      const std::lock_guard lock(mutex_);
      room_ = room;
    }
    if (room != 0) device_->output_ready();
  }
  void resize(WindowSize size) {
    {
      const std::lock_guard lock(mutex_);
      size_ = size;
    }
    device_->window_changed(size);
  }
  void connect(bool connected) {
    connected_ = connected;
    device_->connection_changed(connected);
  }
  std::string output() const {
    const std::lock_guard lock(mutex_);
    return output_;
  }
  CharDevice* device() const { return device_; }

  std::atomic<unsigned> input_ready_calls = 0;

 private:
  mutable std::mutex mutex_;
  std::string output_;
  size_t room_ = 1 << 20;
  std::optional<WindowSize> size_;
  std::atomic<bool> connected_ = true;
  CharDevice* device_ = nullptr;
};

struct Message {
  uint32_t id;
  uint16_t event;
  uint16_t value;
  std::string more;
  friend bool operator==(const Message&, const Message&) = default;
};

enum : uint16_t { kDeviceReady, kDeviceAdd, kDeviceRemove, kPortReady, kConsolePort, kResize, kPortOpen, kPortName };
enum : unsigned { kReceive0, kTransmit0, kControlReceive, kControlTransmit, kReceive1, kTransmit1 };

struct ConsoleTest : testing::Test {
  void control(uint32_t id, uint16_t event, uint16_t value) {
    const struct {
      uint32_t id;
      uint16_t event, value;
    } message = {id, event, value};
    guest.exchange(kControlTransmit, guest.request().readable(bytes_of(message)));
  }
  // The next message of the device's; a buffer for it is made available first.
  Message next_message() {
    auto request = guest.request().writable(64);
    const Used used = guest.exchange(kControlReceive, request);
    const std::string text = text_of(request.written(used.written));
    return {hv::load_le<uint32_t>(text.data()), hv::load_le<uint16_t>(text.data() + 4),
            hv::load_le<uint16_t>(text.data() + 6), text.substr(8)};
  }
  void start_ports() {
    guest.start(kMultiport | kSize);
    control(0, kDeviceReady, 1);
    EXPECT_EQ(next_message(), (Message{0, kDeviceAdd, 0, ""}));
    EXPECT_EQ(next_message(), (Message{1, kDeviceAdd, 0, ""}));
    control(0, kPortReady, 1);
    EXPECT_EQ(next_message(), (Message{0, kConsolePort, 1, ""}));
    EXPECT_EQ(next_message(), (Message{0, kPortOpen, 1, ""}));
    control(1, kPortReady, 1);
    EXPECT_EQ(next_message(), (Message{1, kPortName, 1, "agent"}));
    EXPECT_EQ(next_message(), (Message{1, kPortOpen, 1, ""}));
  }
  std::string receive(unsigned queue) {
    auto request = guest.request().writable(64);
    const Used used = guest.exchange(queue, request);
    return text_of(request.written(used.written));
  }
  void send(unsigned queue, std::string_view text) {
    EXPECT_EQ(guest.exchange(queue, guest.request().readable(bytes_of_text(text))).written, 0u);
  }

  HostEnd terminal;
  HostEnd agent;
  VirtioGuest guest{[this](EventLoop& loop) {
    return std::make_unique<Console>(loop, std::vector<Console::Port>{{&terminal, "", true}, {&agent, "agent", false}});
  }};
};

TEST_F(ConsoleTest, WithoutMultiportTheFirstPortIsTheConsole) {
  guest.start();
  EXPECT_EQ(guest.read(VirtioGuest::kDeviceId), 3u);
  guest.settle();
  send(kTransmit0, "login: ");
  EXPECT_EQ(terminal.output(), "login: ");
  EXPECT_EQ(terminal.type("root\n"), 5u);
  EXPECT_EQ(receive(kReceive0), "root\n");
}

TEST_F(ConsoleTest, NothingIsAcceptedBeforeADriverListens) {
  EXPECT_EQ(terminal.type("lost?"), 0u);
  guest.start();
  EXPECT_TRUE(test::eventually([&] { return terminal.input_ready_calls == 1; }));
  EXPECT_EQ(terminal.type("not lost"), 8u);
  EXPECT_EQ(receive(kReceive0), "not lost");
}

// §5.3.6.2
TEST_F(ConsoleTest, PortsAreAddedNamedAndOpened) {
  start_ports();
  EXPECT_EQ(guest.config<uint32_t>(4), 2u);
  EXPECT_EQ(agent.type("hello"), 0u) << "the guest has not opened it";
  control(1, kPortOpen, 1);
  EXPECT_EQ(agent.type("hello"), 5u);
  EXPECT_EQ(receive(kReceive1), "hello");
  send(kTransmit1, "world");
  EXPECT_EQ(agent.output(), "world");
  EXPECT_EQ(terminal.output(), "");
}

TEST_F(ConsoleTest, ConnectionsOfTheHostAreToldAsTheyAre) {
  start_ports();
  agent.connect(false);
  EXPECT_EQ(next_message(), (Message{1, kPortOpen, 0, ""}));
  for (const bool connected : {true, false, true}) agent.connect(connected);
  guest.settle();
  EXPECT_EQ(next_message(), (Message{1, kPortOpen, 1, ""}));
}

// §5.3.4, §5.3.6.2: columns before rows.
TEST_F(ConsoleTest, TheWindowsSizeIsTold) {
  start_ports();
  terminal.resize({132, 43});
  EXPECT_TRUE(guest.wait_interrupt(2));
  EXPECT_EQ(guest.config<uint16_t>(0), 132u);
  EXPECT_EQ(guest.config<uint16_t>(2), 43u);
  const Message message = next_message();
  EXPECT_EQ(message.event, kResize);
  ASSERT_EQ(message.more.size(), 4u);
  EXPECT_EQ(hv::load_le<uint16_t>(message.more.data()), 132u);
  EXPECT_EQ(hv::load_le<uint16_t>(message.more.data() + 2), 43u);
}

TEST_F(ConsoleTest, OutputWaitsForAFullBackend) {
  guest.start();
  terminal.make_room(4);
  const std::string_view text = "0123456789";
  const uint16_t first = guest.submit(kTransmit0, guest.request().readable(bytes_of_text(text)));
  const uint16_t second = guest.submit(kTransmit0, guest.request().readable(bytes_of_text("abc")));
  EXPECT_TRUE(test::eventually([&] { return terminal.output() == "0123"; }));
  guest.settle();
  EXPECT_EQ(guest.queue(kTransmit0).take_used(), std::nullopt);

  terminal.make_room(3);
  EXPECT_TRUE(test::eventually([&] { return terminal.output() == "0123456"; }));
  terminal.make_room(100);
  EXPECT_EQ(guest.wait_used(kTransmit0).id, first);
  EXPECT_EQ(guest.wait_used(kTransmit0).id, second);
  EXPECT_EQ(terminal.output(), "0123456789abc");
}

TEST_F(ConsoleTest, InputWaitsForAGuestThatDoesNotRead) {
  guest.start();
  guest.settle();
  std::string typed;
  while (true) {
    const std::string line = std::to_string(typed.size()) + "\n";
    const size_t taken = terminal.type(line);
    typed += line.substr(0, taken);
    if (taken < line.size()) break;
  }
  EXPECT_LE(typed.size(), 64u << 10);
  EXPECT_EQ(terminal.type("x"), 0u);
  const unsigned calls = terminal.input_ready_calls;

  std::string received;
  while (received.size() < typed.size()) received += receive(kReceive0);
  EXPECT_EQ(received, typed);
  EXPECT_TRUE(test::eventually([&] { return terminal.input_ready_calls == calls + 1; }));
  EXPECT_EQ(terminal.type("x"), 1u);
}

TEST_F(ConsoleTest, MuchOutputArrivesInOrder) {
  guest.start(kCommonFeatures);
  std::string expected;
  const uint64_t mark = guest.ram.mark();
  for (int i = 0; i < 500; ++i) {
    guest.ram.free_to(mark);
    const std::string line = std::to_string(i) + "\n";
    send(kTransmit0, line);
    expected += line;
  }
  EXPECT_EQ(terminal.output(), expected);
}

// §5.3.5
TEST_F(ConsoleTest, EmergencyWritesNeedNoDriver) {
  guest.set_config<uint32_t>(8, 'h');
  guest.set_config<uint32_t>(8, 'i');
  EXPECT_TRUE(test::eventually([&] { return terminal.output() == "hi"; }));
}

TEST_F(ConsoleTest, ControlMessagesThatMeanNothingAreIgnored) {
  start_ports();
  control(2, kPortReady, 1);
  control(0xffff'ffff, kPortOpen, 1);
  control(0, kDeviceAdd, 1);
  control(0, 77, 1);
  guest.exchange(kControlTransmit, guest.request().readable(bytes_of(uint16_t{1})));
  guest.exchange(kControlTransmit, guest.request().writable(8));
  guest.settle();
  EXPECT_FALSE(guest.needs_reset());
  send(kTransmit0, "still here");
  EXPECT_EQ(terminal.output(), "still here");
}

TEST_F(ConsoleTest, AFloodOfControlMessagesIsAnsweredOnce) {
  start_ports();
  const uint64_t mark = guest.ram.mark();
  for (int i = 0; i < 1000; ++i) {
    guest.ram.free_to(mark);
    control(0, kDeviceReady, 1);
  }
  EXPECT_EQ(next_message(), (Message{0, kDeviceAdd, 0, ""}));
  EXPECT_EQ(next_message(), (Message{1, kDeviceAdd, 0, ""}));
  guest.submit(kControlReceive, guest.request().writable(64));
  guest.settle();
  EXPECT_EQ(guest.queue(kControlReceive).take_used(), std::nullopt);
}

TEST_F(ConsoleTest, ResetClosesThePorts) {
  start_ports();
  control(1, kPortOpen, 1);
  agent.type("forgotten");
  guest.reset();
  EXPECT_EQ(agent.type("hello"), 0u);
  start_ports();
  control(1, kPortOpen, 1);
  EXPECT_EQ(agent.type("again"), 5u);
  EXPECT_EQ(receive(kReceive1), "again");
}

TEST_F(ConsoleTest, InputAndOutputGoOnAfterARestore) {
  start_ports();
  control(1, kPortOpen, 1);
  control(0, kPortOpen, 1);
  agent.type("kept");
  terminal.make_room(4);
  const uint16_t id = guest.submit(kTransmit0, guest.request().readable(bytes_of_text("0123456789")));
  EXPECT_TRUE(test::eventually([&] { return terminal.output() == "0123"; }));

  guest.save_and_restore();

  terminal.make_room(100);
  EXPECT_EQ(guest.wait_used(kTransmit0).id, id);
  EXPECT_EQ(terminal.output(), "0123456789");
  EXPECT_EQ(receive(kReceive1), "kept");
  EXPECT_EQ(next_message(), (Message{0, kPortOpen, 1, ""}));
  EXPECT_EQ(agent.type("more"), 4u);
  EXPECT_EQ(receive(kReceive1), "more");
}

TEST_F(ConsoleTest, LetsGoOfItsBackends) {
  ASSERT_NE(terminal.device(), nullptr);
  guest.loop.stop();
  std::make_unique<Console>(guest.loop, std::vector<Console::Port>{{&agent, "", true}});
  EXPECT_EQ(agent.device(), nullptr);
}

}  // namespace
}  // namespace devices::virtio
