#include "devices/backend/char/terminal.h"

#include <array>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdexcept>
#include <termios.h>

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/unit/devices/backend/char/char_test_support.h"

namespace devices {
namespace {

using namespace std::chrono_literals;

/// Whether Ctrl-C would reach the program as a byte.
bool is_raw(int tty) {
  termios attributes{};
  EXPECT_EQ(::tcgetattr(tty, &attributes), 0);
  return (attributes.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

class TerminalTest : public CharTest {
 protected:
  TerminalTest() {
    int master = -1;
    int slave = -1;
    const winsize size{25, 80, 0, 0};
    EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, &size), 0);
    person.reset(master);
    tty.reset(slave);
  }
  std::unique_ptr<Terminal> open() { return open(tty.get(), tty.get()); }
  std::unique_ptr<Terminal> open(int in, int out) {
    auto result = Terminal::create(loop, commands, in, out);
    EXPECT_TRUE(result) << result.error().message;
    (*result)->attach(&device);
    return std::move(*result);
  }

  hv::UniqueFd person;
  hv::UniqueFd tty;
};

TEST_F(TerminalTest, IsRawWhileItLivesAndThenAsItWas) {
  termios before{};
  ::tcgetattr(tty.get(), &before);
  auto terminal = open();
  EXPECT_TRUE(is_raw(tty.get()));
  EXPECT_TRUE(terminal->connected());
  terminal->attach(nullptr);
  terminal.reset();
  termios after{};
  ::tcgetattr(tty.get(), &after);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
  EXPECT_EQ(after.c_cflag, before.c_cflag);
}

TEST_F(TerminalTest, NeverSetsTheSharedTerminalNonBlocking) {
  auto terminal = open();
  send(*terminal, "x");
  write_all(person.get(), "y");
  ASSERT_TRUE(eventually([&] { return device.input() == "y"; }));
  EXPECT_EQ(::fcntl(tty.get(), F_GETFL) & O_NONBLOCK, 0);
  terminal->attach(nullptr);
  terminal.reset();
  EXPECT_EQ(::fcntl(tty.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(TerminalTest, CarriesKeysToTheGuestAndOutputUnchanged) {
  const auto terminal = open();
  write_all(person.get(), "ls\r\x03");
  EXPECT_TRUE(eventually([&] { return device.input() == "ls\r\x03"; }));
  send(*terminal, "a\nb\r\n");
  EXPECT_EQ(read_bytes(person.get(), 5), "a\nb\r\n");
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, HasAnEscapeKey) {
  const auto terminal = open();
  write_all(person.get(),
            "1\x01\x01\x01x2\x01"
            "b");
  EXPECT_TRUE(eventually([&] { return device.breaks == 1; }));
  EXPECT_EQ(commands.leaves, 1);
  EXPECT_TRUE(eventually([&] {
    return device.input() ==
           "1\x01"
           "2";
  }));
  write_all(person.get(), "\x01i");
  EXPECT_EQ(read_bytes(person.get(), 13), "\r\ntwo harts\r\n");
  write_all(person.get(), "\x01h");
  EXPECT_EQ(read_bytes(person.get(), 16), "\r\nCtrl-A x      ");
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, TheEscapeKeyWorksWhenTheGuestTakesNothing) {
  device.room = 0;
  const auto terminal = open();
  write_all(person.get(), "typed ahead");
  std::jthread paste([&] {
    const std::string much(100'000, 'p');
    write_all(person.get(), much);
    write_all(person.get(), "\x01x");
  });
  EXPECT_TRUE(eventually([&] { return commands.leaves == 1; }));
  paste.join();
  device.room = 11;
  terminal->input_ready();
  EXPECT_TRUE(eventually([&] { return device.input() == "typed ahead"; }));
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, ASlowGuestGetsALargePasteComplete) {
  device.room = 0;
  const auto terminal = open();
  std::string paste;
  for (int i = 0; i < 150'000; ++i) paste += static_cast<char>('a' + i % 26);
  std::jthread typist([&] { write_all(person.get(), paste); });
  while (device.input().size() < paste.size()) {
    device.room = 997;
    terminal->input_ready();
    ASSERT_TRUE(eventually([&] { return device.room == 0 || device.input().size() == paste.size(); }));
  }
  EXPECT_EQ(device.input(), paste);
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, WritesMuchOutputCompleteToASlowPerson) {
  const auto terminal = open();
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>('a' + i % 26);
  std::jthread guest([&] {
    for (size_t done = 0; done < text.size();) {
      const size_t count = send(*terminal, std::string_view(text).substr(done, 1000));
      done += count;
      if (count == 0) std::this_thread::sleep_for(1ms);
    }
  });
  std::string got;
  while (got.size() < text.size()) {
    const std::string part = read_bytes(person.get(), std::min<size_t>(5000, text.size() - got.size()));
    ASSERT_FALSE(part.empty());
    got += part;
  }
  EXPECT_EQ(got, text);
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, WritesWhatIsLeftWhenItEnds) {
  auto terminal = open();
  loop.stop();
  send(*terminal, "reboot: Power down\r\n");
  terminal->attach(nullptr);
  terminal.reset();
  EXPECT_EQ(read_bytes(person.get(), 20), "reboot: Power down\r\n");
}

TEST_F(TerminalTest, ReportsTheWindowsSizeAndItsChange) {
  const auto terminal = open();
  EXPECT_EQ(terminal->window_size(), (WindowSize{80, 25}));
  const winsize size{40, 132, 0, 0};
  ::ioctl(person.get(), TIOCSWINSZ, &size);
  ::raise(SIGWINCH);
  EXPECT_TRUE(eventually([&] { return device.columns == 132; }));
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, RefusesASecondOne) {
  const auto terminal = open();
  const auto second = Terminal::create(loop, commands, tty.get(), tty.get());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "the terminal is already in use");
  EXPECT_TRUE(is_raw(tty.get()));
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, APipeIsReadAsItIsAndItsEndEndsOnlyTheInput) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  ASSERT_EQ(::pipe(input.data()), 0);
  ASSERT_EQ(::pipe(output.data()), 0);
  const hv::UniqueFd in(input[0]);
  hv::UniqueFd in_writer(input[1]);
  const hv::UniqueFd out_reader(output[0]);
  const hv::UniqueFd out(output[1]);
  const auto terminal = open(in.get(), out.get());
  write_all(in_writer.get(), "\x01x");
  in_writer.reset();
  EXPECT_TRUE(eventually([&] { return device.input() == "\x01x"; }));
  EXPECT_EQ(commands.leaves, 0);
  send(*terminal, "goes on");
  EXPECT_EQ(read_bytes(out_reader.get(), 7), "goes on");
  EXPECT_TRUE(terminal->connected());
  EXPECT_FALSE(terminal->window_size());
  EXPECT_EQ(::fcntl(in.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(out.get(), F_GETFL) & O_NONBLOCK, 0);
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, AFileAndAnEmptyDeviceCanBeTheInput) {
  const std::string path = path_in_new_folder("in");
  hv::UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  write_all(file.get(), "from a file");
  ::lseek(file.get(), 0, SEEK_SET);
  const hv::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto terminal = open(file.get(), null.get());
  EXPECT_TRUE(eventually([&] { return device.input() == "from a file"; }));
  terminal->attach(nullptr);
  terminal = open(null.get(), null.get());
  EXPECT_EQ(send(*terminal, "x"), 1u);
  terminal->attach(nullptr);
  ::unlink(path.c_str());
}

TEST_F(TerminalTest, OutputThatNobodyReadsAnyMoreStopsNothing) {
  std::array<int, 2> output{};
  ASSERT_EQ(::pipe(output.data()), 0);
  hv::UniqueFd out_reader(output[0]);
  const hv::UniqueFd out(output[1]);
  const hv::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto terminal = open(null.get(), out.get());
  out_reader.reset();
  const std::string much(50'000, 'x');
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(eventually([&] { return send(*terminal, much) == much.size(); }));
  }
  terminal->attach(nullptr);
}

TEST_F(TerminalTest, WorksOnASocket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const hv::UniqueFd ours(ends[0]);
  const hv::UniqueFd theirs(ends[1]);
  const auto terminal = open(theirs.get(), theirs.get());
  write_all(ours.get(), "in");
  EXPECT_TRUE(eventually([&] { return device.input() == "in"; }));
  send(*terminal, "out");
  EXPECT_EQ(read_bytes(ours.get(), 3), "out");
  EXPECT_EQ(::fcntl(theirs.get(), F_GETFL) & O_NONBLOCK, 0);
  terminal->attach(nullptr);
}

/// Programs that end in many ways, each with the pty as its controlling terminal.
class TerminalInAChild : public ::testing::Test {
 protected:
  /// Runs `body` in a child once the person has seen that its terminal is raw.
  template <typename Body>
  void start(Body body) {
    start_shell([&] { run_program(body); });
    ASSERT_TRUE(eventually([&] { return is_raw(tty.get()); }));
    ASSERT_EQ(::eventfd_write(go.get(), 1), 0);
  }

  /// Runs `body` in a child that leads a session on a new terminal.
  template <typename Body>
  void start_shell(Body body) {
    int master = -1;
    int slave = -1;
    ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    person.reset(master);
    tty.reset(slave);
    child = ::fork();
    ASSERT_GE(child, 0);
    if (child != 0) return;
    ::setsid();
    ::ioctl(tty.get(), TIOCSCTTY, 0);
    body();
    ::_exit(98);
  }

  template <typename Body>
  [[noreturn]] void run_program(Body body) {
    // Sanitizers handle these; this program has no handler.
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(number, SIG_DFL);
    EventLoop loop("child-loop");
    loop.start();
    FakeCommands commands;
    auto terminal = Terminal::create(loop, commands, tty.get(), tty.get());
    eventfd_t seen = 0;
    ::eventfd_read(go.get(), &seen);
    body(terminal);
    for (;;) ::pause();
  }

  int wait_for_end() {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }

  hv::UniqueFd person;
  hv::UniqueFd tty;
  hv::UniqueFd go{::eventfd(0, EFD_CLOEXEC)};  ///< the person has seen it
  pid_t child = -1;
};

using Opened = hv::Result<std::unique_ptr<Terminal>>;

TEST_F(TerminalInAChild, IsRestoredWhenASignalEndsTheProgram) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV}) {
    start([](Opened&) {});
    ::kill(child, number);
    const int status = wait_for_end();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << number;
    EXPECT_FALSE(is_raw(tty.get())) << number;
  }
}

TEST_F(TerminalInAChild, IsRestoredWhenTheProgramCrashesOnALoop) {
  start([](Opened&) { std::thread([] { ::raise(SIGSEGV); }).join(); });
  EXPECT_TRUE(WIFSIGNALED(wait_for_end()));
  EXPECT_FALSE(is_raw(tty.get()));
}

TEST_F(TerminalInAChild, IsRestoredAtExit) {
  start([](Opened&) { std::quick_exit(3); });
  EXPECT_EQ(WEXITSTATUS(wait_for_end()), 3);
  EXPECT_FALSE(is_raw(tty.get()));
}

TEST_F(TerminalInAChild, IsRestoredByAnException) {
  start([](Opened& terminal) {
    try {
      const auto owner = std::move(*terminal);
      throw std::runtime_error("lost");
    } catch (const std::runtime_error&) {
      ::_exit(4);
    }
  });
  EXPECT_EQ(WEXITSTATUS(wait_for_end()), 4);
  EXPECT_FALSE(is_raw(tty.get()));
}

TEST_F(TerminalInAChild, IsRawAgainAfterAStopThatNobodyIsToldOf) {
  start([](Opened&) {});
  ::kill(child, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  // As a shell does when it takes the terminal back.
  termios cooked{};
  ::tcgetattr(tty.get(), &cooked);
  cooked.c_lflag |= ICANON | ECHO | ISIG;
  ::tcsetattr(tty.get(), TCSANOW, &cooked);
  ::kill(child, SIGCONT);
  EXPECT_TRUE(eventually([&] { return is_raw(tty.get()); }));
  ::kill(child, SIGTERM);
  wait_for_end();
  EXPECT_FALSE(is_raw(tty.get()));
}

/// The child is a shell that runs the program as its foreground job; the test and the shell talk through a socket.
TEST_F(TerminalInAChild, IsRestoredWhileAJobIsStopped) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const hv::UniqueFd shell(ends[0]);
  const hv::UniqueFd test(ends[1]);
  start_shell([&] {
    const pid_t job = ::fork();
    if (job == 0) {
      ::setpgid(0, 0);
      // In the background it would be stopped for touching the terminal.
      while (::tcgetpgrp(tty.get()) != ::getpid()) std::this_thread::sleep_for(1ms);
      run_program([](Opened&) {});
    }
    ::setpgid(job, job);
    ::signal(SIGTTOU, SIG_IGN);
    ::tcsetpgrp(tty.get(), job);
    [[maybe_unused]] const ssize_t told = ::write(test.get(), &job, sizeof job);
    int status = 0;
    ::waitpid(job, &status, WUNTRACED);
    ::tcsetpgrp(tty.get(), ::getpgrp());
    const char stopped = WIFSTOPPED(status) ? 's' : 'e';
    [[maybe_unused]] const ssize_t again = ::write(test.get(), &stopped, 1);
    read_bytes(test.get(), 1);
    ::tcsetpgrp(tty.get(), job);
    ::kill(job, SIGCONT);
    ::waitpid(job, &status, 0);
    ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 99);
  });
  pid_t job = -1;
  ASSERT_EQ(::read(shell.get(), &job, sizeof job), static_cast<ssize_t>(sizeof job));
  ASSERT_TRUE(eventually([&] { return is_raw(tty.get()); }));

  ::kill(job, SIGTSTP);
  EXPECT_EQ(read_bytes(shell.get(), 1), "s");
  EXPECT_FALSE(is_raw(tty.get()));
  ::kill(job, SIGCONT);  // `bg`: the terminal is the shell's
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(is_raw(tty.get()));
  write_all(shell.get(), "f");  // `fg`
  EXPECT_TRUE(eventually([&] { return is_raw(tty.get()); }));

  ::kill(job, SIGTERM);
  EXPECT_EQ(WEXITSTATUS(wait_for_end()), SIGTERM);
  EXPECT_FALSE(is_raw(tty.get()));
}

}  // namespace
}  // namespace devices
