#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "devices/backend/char/open.h"
#include "devices/backend/char_backend.h"
#include "devices/event_loop.h"
#include "hv/base/unique_fd.h"

namespace devices {

template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Reads from `fd` until `size` bytes are there, the end, or 10 seconds.
inline std::string read_bytes(int fd, size_t size) {
  std::string got;
  while (got.size() < size) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1) break;
    char buffer[65536];
    const ssize_t count = ::read(fd, buffer, std::min(sizeof buffer, size - got.size()));
    if (count <= 0) break;
    got.append(buffer, static_cast<size_t>(count));
  }
  return got;
}

inline void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    ASSERT_GT(count, 0);
    text.remove_prefix(static_cast<size_t>(count));
  }
}

inline size_t send(CharBackend& backend, std::string_view text) {
  return backend.write(std::as_bytes(std::span(text)));
}

/// The guest's side: remembers what came in.
class FakeDevice : public CharDevice {
 public:
  size_t can_accept() const noexcept override { return room; }
  void receive(std::span<const std::byte> data) noexcept override {
    room -= std::min(room.load(), data.size());
    const std::lock_guard lock(mutex_);
    for (const std::byte byte : data) input_ += static_cast<char>(byte);
  }
  void output_ready() noexcept override { ++output_ready_count; }
  void connection_changed(bool connected) noexcept override { ++(connected ? connects : disconnects); }
  void window_changed(WindowSize size) noexcept override { columns = size.columns; }
  void break_received() noexcept override { ++breaks; }

  std::string input() const {
    const std::lock_guard lock(mutex_);
    return input_;
  }

  std::atomic<size_t> room = 1'000'000;
  std::atomic<int> output_ready_count = 0;
  std::atomic<int> connects = 0;
  std::atomic<int> disconnects = 0;
  std::atomic<int> breaks = 0;
  std::atomic<unsigned> columns = 0;

 private:
  mutable std::mutex mutex_;
  std::string input_;
};

struct FakeCommands : TerminalCommands {
  void leave() noexcept override { ++leaves; }
  bool press_power_button() noexcept override {
    ++presses;
    return has_button;
  }
  std::string describe_machine() override { return "two harts\n"; }
  std::atomic<int> leaves = 0;
  std::atomic<int> presses = 0;
  bool has_button = true;
};

/// A loop that runs.
class CharTest : public ::testing::Test {
 protected:
  CharTest() { loop.start(); }
  ~CharTest() override {
    if (!folder_.empty()) ::rmdir(folder_.c_str());
  }
  std::string path_in_new_folder(const std::string& name) {
    char folder[] = "/tmp/vireo-char-XXXXXX";
    folder_ = ::mkdtemp(folder);
    return folder_ + "/" + name;
  }

  EventLoop loop{"test-loop"};
  FakeCommands commands;
  FakeDevice device;

 private:
  std::string folder_;
};

}  // namespace devices
