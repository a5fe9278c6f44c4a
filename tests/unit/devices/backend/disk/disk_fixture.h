#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "devices/backend/disk/open.h"
#include "tests/support/test_io.h"

namespace devices::testing {

using test::TestIo;
using Bytes = std::vector<std::byte>;

/// A folder of its own for each test, an engine, and qemu-img.
class DiskTest : public ::testing::Test {
 protected:
  DiskTest() {
    std::string name = ::testing::TempDir() + "vireo-disk-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~DiskTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }

  /// The exit status of a shell command; its output goes to the test's log.
  int shell(const std::string& command) const {
    const int status = std::system(("cd " + folder_.string() + " && " + command + " > log 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string log() const {
    std::ifstream file(path("log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void must(const std::string& command) const { ASSERT_EQ(shell(command), 0) << command << '\n' << log(); }

  std::string make_file(const std::string& name, const Bytes& contents) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
    return path(name);
  }
  Bytes read_file(const std::string& name) const {
    Bytes contents(std::filesystem::file_size(path(name)));
    std::ifstream(path(name), std::ios::binary)
        .read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
    return contents;
  }

  std::unique_ptr<Disk> open(DiskSpec spec) {
    spec.path = path(spec.path);
    hv::Result<std::unique_ptr<Disk>> disk = open_disk(spec, io_);
    EXPECT_TRUE(disk) << disk.error().message;
    return disk ? std::move(*disk) : nullptr;
  }
  /// Why it cannot be opened.
  std::string open_error(DiskSpec spec) {
    spec.path = path(spec.path);
    const hv::Result<std::unique_ptr<Disk>> disk = open_disk(spec, io_);
    return disk ? "" : disk.error().message;
  }

  hv::Result<Bytes> read(Disk& disk, uint64_t offset, size_t size) {
    Bytes data(size, std::byte{0xee});
    const iovec whole{data.data(), data.size()};
    TRY(io_->run(disk.read(offset, std::span(&whole, 1))));
    return data;
  }
  hv::Result<void> write(Disk& disk, uint64_t offset, const Bytes& data) {
    const iovec whole{const_cast<std::byte*>(data.data()), data.size()};
    return io_->run(disk.write(offset, std::span(&whole, 1)));
  }
  hv::Result<void> flush(Disk& disk) { return io_->run(disk.flush()); }

  static Bytes pattern(size_t size, uint32_t seed) {
    std::mt19937 random(seed);
    Bytes data(size);
    for (std::byte& byte : data) byte = static_cast<std::byte>(random() % 255 + 1);
    return data;
  }

  static Bytes part(const Bytes& bytes, size_t offset, size_t size) {
    const auto begin = bytes.begin() + static_cast<ptrdiff_t>(offset);
    return {begin, begin + static_cast<ptrdiff_t>(size)};
  }

  std::filesystem::path folder_;
  std::shared_ptr<TestIo> io_ = std::make_shared<TestIo>();
};

}  // namespace devices::testing
