#include "vmm/machine/machine.h"

#include <cstdlib>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "devices/backend/char_backend.h"
#include "devices/event_loop.h"
#include "tests/unit/vmm/boot/test_files.h"
#include "tests/unit/vmm/machine/bare_programs.h"
#include "vmm/config/parser.h"
#include "vmm/machine/panic_watch.h"

namespace vmm {
namespace {

namespace program = testing::program;
using Reason = MachineExit::Reason;
using std::chrono::milliseconds;

/// Keeps what the guest writes.
class Recorder final : public devices::CharBackend {
 public:
  size_t write(std::span<const std::byte> data) noexcept override {
    const std::lock_guard lock(mutex_);
    text_.append(reinterpret_cast<const char*>(data.data()), data.size());
    return data.size();
  }
  void input_ready() noexcept override {}
  void attach(devices::CharDevice*) noexcept override {}
  bool connected() const noexcept override { return true; }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class BareMachine : public ::testing::Test {
 protected:
  std::unique_ptr<Machine> make(std::span<const uint32_t> instructions, const std::string& cpus = "1") {
    const std::string path = folder_.write("program.elf", testing::riscv_program(instructions));
    const char* const engine = std::getenv("VIREO_TEST_ENGINE");
    const std::vector<ConfigOverride> options = {{"--arch", "arch", "riscv64"},
                                                 {"--bare", "boot.bare", path},
                                                 {"--memory", "memory", "16MiB"},
                                                 {"--cpus", "cpus", cpus},
                                                 {"--accel", "accel", engine == nullptr ? "interp" : engine}};
    return std::move(Machine::create(machine_from_options(options).value(), console_, loop_).value());
  }

  testing::TemporaryFolder folder_;
  Recorder console_;
  devices::EventLoop loop_{"console"};
};

constexpr milliseconds kLong{20'000};

TEST_F(BareMachine, ExitsWithTheCodeInTohost) {
  const MachineExit exit = make(program::kExitWith5)->run(kLong).value();
  EXPECT_EQ(exit.reason, Reason::power_off);
  EXPECT_EQ(exit.code, 5);
}

TEST_F(BareMachine, PrintsThroughTheHostInterface) {
  const MachineExit exit = make(program::kPrint)->run(kLong).value();
  EXPECT_EQ(exit.reason, Reason::power_off);
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(console_.text(), "hi");
}

TEST_F(BareMachine, AnswersProxiedSystemCalls) {
  const MachineExit exit = make(program::kSystemCall)->run(kLong).value();
  EXPECT_EQ(exit.code, 4);
  EXPECT_EQ(console_.text(), "hi!\n");
}

TEST_F(BareMachine, PassesTheSysconsCodeOn) {
  const MachineExit exit = make(program::kFailWith7, "4")->run(kLong).value();
  EXPECT_EQ(exit.reason, Reason::power_off);
  EXPECT_EQ(exit.code, 7);
}

TEST_F(BareMachine, StartsAgainAfterAReboot) {
  const std::unique_ptr<Machine> machine = make(program::kReboot);
  std::jthread watcher([&](const std::stop_token& stop) {
    while (console_.text().size() < 3 && !stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    machine->stop();
  });
  EXPECT_EQ(machine->run(kLong).value().reason, Reason::stopped);
  EXPECT_TRUE(console_.text().starts_with("xxx"));
}

TEST_F(BareMachine, StopsWhileItsHartsSleep) {
  const std::unique_ptr<Machine> machine = make(program::kSleep, "3");
  std::jthread stopper([&] { machine->stop(); });
  EXPECT_EQ(machine->run(kLong).value().reason, Reason::stopped);
}

TEST_F(BareMachine, EndsAtItsTimeOut) {
  EXPECT_EQ(make(program::kSleep)->run(milliseconds(20)).value().reason, Reason::timed_out);
}

TEST_F(BareMachine, EndsOnceItsKernelHasPanicked) {
  const std::unique_ptr<Machine> machine = make(program::kReboot);
  machine->expect_crash("Kernel panic - not syncing: test");
  const MachineExit exit = machine->run(kLong).value();
  EXPECT_EQ(exit.reason, Reason::crashed);
  EXPECT_EQ(exit.detail, "Kernel panic - not syncing: test");
}

TEST_F(BareMachine, ReportsAProgramThatCannotBeLoaded) {
  const std::unique_ptr<Machine> machine = make(program::kSleep);
  const std::string path = folder_.write("program.elf", {});
  EXPECT_EQ(machine->run(kLong).error().message, path + ": not an ELF file");
}

TEST(PanicWatch, GivesThePanicsTextOnce) {
  Recorder console;
  std::vector<std::string> panics;
  PanicWatch watch(console, [&](const std::string& text) { panics.push_back(text); });
  const std::string output =
      "[1.0] Kernel panic - not syncing: no init\r\n[1.1] Kernel panic - not syncing: no init\r\n";
  for (const char c : output) watch.write(std::as_bytes(std::span(&c, 1)));
  EXPECT_EQ(panics, std::vector<std::string>{"Kernel panic - not syncing: no init"});
  EXPECT_EQ(console.text(), output);
}

}  // namespace
}  // namespace vmm
