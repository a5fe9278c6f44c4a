// The block device on real images: driver, device, disk, engine and file together.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "devices/backend/disk/open.h"
#include "tests/unit/devices/virtio/block/block_fixture.h"

namespace devices::virtio {
namespace {

struct Setup {
  const char* name;
  IoEngine engine;
  const char* format;
};

class BlockOnDisk : public BlockTest, public ::testing::WithParamInterface<Setup> {
 protected:
  BlockOnDisk() {
    std::string name = ::testing::TempDir() + "vireo-block-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~BlockOnDisk() override {
    guest_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start_guest() {
    const std::string path = folder_ / "disk";
    const std::string command = std::string("qemu-img create -q -f ") + GetParam().format + " " + path + " 4M";
    ASSERT_EQ(std::system(command.c_str()), 0);
    guest_.emplace([this, path](EventLoop& loop) {
      auto disk = open_disk({.path = path, .io = GetParam().engine}, loop);
      EXPECT_TRUE(disk) << disk.error().message;
      return std::make_unique<BlockDevice>(loop, std::move(*disk), options_);
    });
    guest_->start(guest_->device_features() & kEverything);
  }

  std::filesystem::path folder_;
};

TEST_P(BlockOnDisk, ManyRequestsAtOnce) {
  if (GetParam().engine == IoEngine::io_uring && !io_uring_obstacle().empty()) GTEST_SKIP() << io_uring_obstacle();
  start_guest();
  constexpr unsigned kAtOnce = 32;
  for (unsigned i = 0; i < kAtOnce; ++i) guest_->submit(0, request(RequestType::out, i * 64, pattern(4096, i), 0));
  for (unsigned i = 0; i < kAtOnce; ++i) ASSERT_EQ(guest_->wait_used(0).written, 1u);
  EXPECT_EQ(send(RequestType::flush).status, Status::ok);
  guest_->save_and_restore();
  for (unsigned i = 0; i < kAtOnce; ++i) {
    const Reply got = send(RequestType::in, i * 64, {}, 4096);
    ASSERT_EQ(got.status, Status::ok);
    ASSERT_EQ(got.data, pattern(4096, i));
  }
  EXPECT_EQ(send(RequestType::in, 16, {}, 4096).data, Bytes(4096));
}

INSTANTIATE_TEST_SUITE_P(Engines, BlockOnDisk,
                         ::testing::Values(Setup{"RawThreads", IoEngine::threads, "raw"},
                                           Setup{"RawUring", IoEngine::io_uring, "raw"},
                                           Setup{"Qcow2Threads", IoEngine::threads, "qcow2"},
                                           Setup{"Qcow2Uring", IoEngine::io_uring, "qcow2"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace devices::virtio
