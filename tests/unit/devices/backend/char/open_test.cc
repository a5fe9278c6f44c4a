#include "devices/backend/char/open.h"

#include <fcntl.h>
#include <termios.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/devices/backend/char/char_test_support.h"

namespace devices {
namespace {

hv::UniqueFd connect_to(const std::string& path) {
  hv::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

std::string contents(const std::string& path) {
  const hv::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return read_bytes(fd.get(), size_t{1} << 30);
}

class OpenCharBackend : public CharTest {
 protected:
  std::unique_ptr<CharBackend> open(const std::string& spec) {
    auto result = open_char_backend(spec, loop, commands);
    EXPECT_TRUE(result) << result.error().message;
    return std::move(*result);
  }
  std::string error_of(const std::string& spec) {
    const auto result = open_char_backend(spec, loop, commands);
    return result ? "" : result.error().message;
  }
};

TEST_F(OpenCharBackend, NamesTheKindsThatThereAre) {
  EXPECT_EQ(error_of("tcp:1"), "'tcp:1' is not a console: stdio, pty, unix:PATH, file:PATH or null");
}

TEST_F(OpenCharBackend, NullTakesEverything) {
  const auto backend = open("null");
  EXPECT_EQ(send(*backend, "abc"), 3u);
  EXPECT_FALSE(backend->connected());
}

TEST_F(OpenCharBackend, AFileGetsWhatIsWrittenAppended) {
  const std::string path = path_in_new_folder("out");
  for (const char* const text : {"one\n", "two\n"}) {
    const auto backend = open("file:" + path);
    EXPECT_EQ(send(*backend, text), 4u);
  }
  EXPECT_EQ(contents(path), "one\ntwo\n");
  ::unlink(path.c_str());
}

TEST_F(OpenCharBackend, AFileIsWrittenAlsoWhenTheLoopStoppedFirst) {
  const std::string path = path_in_new_folder("out");
  auto backend = open("file:" + path);
  send(*backend, "first");
  loop.stop();
  send(*backend, " last");
  backend.reset();
  EXPECT_EQ(contents(path), "first last");
  ::unlink(path.c_str());
}

TEST_F(OpenCharBackend, AFileThatCannotBeOpenedIsNamed) {
  EXPECT_EQ(error_of("file:/nowhere/x"), "/nowhere/x: No such file or directory");
  EXPECT_EQ(error_of("file:"), "file: needs a path, as in file:console.log");
}

TEST_F(OpenCharBackend, ASocketCarriesBothDirections) {
  const std::string path = path_in_new_folder("s");
  const auto backend = open("unix:" + path);
  backend->attach(&device);
  EXPECT_EQ(backend->address(), path);
  EXPECT_FALSE(backend->connected());
  const hv::UniqueFd client = connect_to(path);
  ASSERT_TRUE(eventually([&] { return backend->connected(); }));
  EXPECT_TRUE(eventually([&] { return device.connects == 1; }));
  send(*backend, "login: ");
  EXPECT_EQ(read_bytes(client.get(), 7), "login: ");
  write_all(client.get(), "root\n");
  EXPECT_TRUE(eventually([&] { return device.input() == "root\n"; }));
  backend->attach(nullptr);
}

TEST_F(OpenCharBackend, ASocketTakesTheNextClientWhenOneHasLeft) {
  const std::string path = path_in_new_folder("s");
  const auto backend = open("unix:" + path);
  backend->attach(&device);
  hv::UniqueFd first = connect_to(path);
  ASSERT_TRUE(eventually([&] { return backend->connected(); }));
  const hv::UniqueFd second = connect_to(path);
  send(*backend, "1");
  EXPECT_EQ(read_bytes(first.get(), 1), "1");
  first.reset();
  ASSERT_TRUE(eventually([&] { return device.connects == 2; }));
  EXPECT_EQ(device.disconnects, 1);
  send(*backend, "2");
  EXPECT_EQ(read_bytes(second.get(), 1), "2");
  backend->attach(nullptr);
}

TEST_F(OpenCharBackend, AClientThatOnlyStopsSendingStillReceives) {
  const std::string path = path_in_new_folder("s");
  const auto backend = open("unix:" + path);
  backend->attach(&device);
  hv::UniqueFd client = connect_to(path);
  write_all(client.get(), "x");
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(eventually([&] { return device.input() == "x"; }));
  send(*backend, "answer");
  EXPECT_EQ(read_bytes(client.get(), 6), "answer");
  client.reset();
  EXPECT_TRUE(eventually([&] { return !backend->connected(); }));
  backend->attach(nullptr);
}

TEST_F(OpenCharBackend, WhatIsWrittenToNobodyIsDropped) {
  const std::string path = path_in_new_folder("s");
  const auto backend = open("unix:" + path);
  const std::string much(1'000'000, 'x');
  EXPECT_EQ(send(*backend, much), much.size());
}

TEST_F(OpenCharBackend, AClientThatLeavesFreesADeviceThatWaits) {
  const std::string path = path_in_new_folder("s");
  const auto backend = open("unix:" + path);
  backend->attach(&device);
  hv::UniqueFd client = connect_to(path);
  ASSERT_TRUE(eventually([&] { return backend->connected(); }));
  const std::string much(100'000, 'x');
  ASSERT_TRUE(eventually([&] { return send(*backend, much) < much.size(); }));
  ASSERT_TRUE(eventually([&] { return send(*backend, much) == 0; }));
  const int before = device.output_ready_count;
  client.reset();
  EXPECT_TRUE(eventually([&] { return device.output_ready_count > before; }));
  EXPECT_TRUE(eventually([&] { return send(*backend, much) == much.size(); }));
  backend->attach(nullptr);
}

TEST_F(OpenCharBackend, OnlyAStaleSocketIsReplaced) {
  const std::string path = path_in_new_folder("s");
  auto backend = open("unix:" + path);
  EXPECT_EQ(error_of("unix:" + path), path + ": another program listens on it");
  backend.reset();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  {
    const hv::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  backend = open("unix:" + path);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  backend.reset();
  const hv::UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(error_of("unix:" + path), path + ": exists and is not a socket");
  ::unlink(path.c_str());
}

TEST_F(OpenCharBackend, APtyReportsItsPathAndCarriesBothDirections) {
  const auto backend = open("pty");
  backend->attach(&device);
  ASSERT_EQ(backend->address().substr(0, 9), "/dev/pts/");
  EXPECT_FALSE(backend->connected());
  hv::UniqueFd person(::open(backend->address().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(eventually([&] { return backend->connected(); }));
  send(*backend, "a\nb");
  EXPECT_EQ(read_bytes(person.get(), 3), "a\nb");
  write_all(person.get(), "\x03q");
  EXPECT_TRUE(eventually([&] { return device.input() == "\x03q"; }));
  person.reset();
  EXPECT_TRUE(eventually([&] { return !backend->connected(); }));
  person.reset(::open(backend->address().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(eventually([&] { return device.connects == 2; }));
  backend->attach(nullptr);
}

}  // namespace
}  // namespace devices
