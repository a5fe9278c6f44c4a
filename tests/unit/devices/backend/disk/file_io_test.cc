#include "devices/backend/disk/file_io.h"

#include <cerrno>
#include <fcntl.h>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "devices/backend/disk/block_file.h"
#include "devices/event_loop.h"
#include "tests/unit/devices/backend/disk/random_operations.h"

namespace devices {
namespace {

using testing::Bytes;

class FileIoTest : public testing::DiskTest, public ::testing::WithParamInterface<IoEngine> {
 protected:
  void SetUp() override {
    if (GetParam() == IoEngine::io_uring && !io_uring_obstacle().empty()) GTEST_SKIP() << io_uring_obstacle();
    make_file("disk", pattern(kSize, 1));
    hv::Result<std::shared_ptr<FileIo>> io = create_file_io(GetParam(), loop_);
    ASSERT_TRUE(io) << io.error().message;
    engine_ = std::move(*io);
  }

  static constexpr size_t kSize = 4 << 20;
  EventLoop loop_{"disk-test"};
  std::shared_ptr<FileIo> engine_;
};

/// Reads every block of a disk at once, each into its place.
struct ReadAll {
  Bytes data;
  size_t left = 0;
  std::optional<hv::Error> error;

  Detached read_block(Disk& disk, uint64_t offset, size_t size, EventLoop& loop, std::thread::id& thread) {
    const iovec whole{&data[offset], size};
    const hv::Result<void> result = co_await disk.read(offset, std::span(&whole, 1));
    if (!result) error = result.error();
    if (!loop.on_loop_thread()) thread = std::this_thread::get_id();
    --left;
  }
};

TEST_P(FileIoTest, ManyOperationsAtOnceEndOnTheLoop) {
  DiskSpec spec{.path = path("disk")};
  auto disk = open_disk(spec, engine_);
  ASSERT_TRUE(disk) << disk.error().message;
  ReadAll all;
  std::thread::id elsewhere;
  constexpr size_t kBlock = 4096;
  loop_.start();
  loop_.run_and_wait([&] {
    all.data.resize(kSize);
    all.left = kSize / kBlock;
    for (uint64_t offset = 0; offset < kSize; offset += kBlock) {
      all.read_block(**disk, offset, kBlock, loop_, elsewhere);
    }
  });
  size_t left = 1;
  while (left != 0) loop_.run_and_wait([&] { left = all.left; });
  loop_.stop();
  EXPECT_FALSE(all.error.has_value());
  EXPECT_EQ(elsewhere, std::thread::id());
  EXPECT_TRUE(all.data == pattern(kSize, 1));
}

TEST_P(FileIoTest, WhatIsUnderWayWhenTheLoopStopsIsDrained) {
  DiskSpec spec{.path = path("disk")};
  auto disk = open_disk(spec, engine_);
  ASSERT_TRUE(disk) << disk.error().message;
  ReadAll all;
  std::thread::id elsewhere;
  all.data.resize(kSize);
  all.left = 4;
  loop_.start();
  loop_.run_and_wait([&] {
    for (uint64_t i = 0; i < 4; ++i) all.read_block(**disk, i * (1 << 20), 1 << 20, loop_, elsewhere);
  });
  loop_.stop();
  (*disk)->drain();
  EXPECT_EQ(all.left, 0u);
  EXPECT_TRUE(all.data == pattern(kSize, 1));
}

TEST_P(FileIoTest, EveryOperationWorksWhileTheLoopStandsStill) {
  hv::Result<BlockFile> file = BlockFile::open(path("disk"), false, engine_);
  ASSERT_TRUE(file);
  const Bytes data = pattern(8192, 2);
  ASSERT_TRUE(engine_->run(file->write(4096, std::span(data))));
  ASSERT_TRUE(engine_->run(file->sync()));
  EXPECT_EQ(part(read_file("disk"), 4096, 8192), data);
  ASSERT_TRUE(engine_->run(file->write_zeroes(0, 8192, false)));
  ASSERT_TRUE(engine_->run(file->punch(8192, 4096)));
  EXPECT_EQ(part(read_file("disk"), 0, 12288), Bytes(12288));
}

TEST_P(FileIoTest, FailuresOfTheHostComeBack) {
  // A device that is full whatever is written to it.
  hv::UniqueFd fd(::open("/dev/full", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(fd);
  const BlockFile file(std::move(fd), "/dev/full", engine_);
  const Bytes data(512);
  const hv::Result<void> result = engine_->run(file.write(0, std::span(data)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ENOSPC);
}

TEST_P(FileIoTest, CallsRunOnAnotherThread) {
  std::thread::id thread;
  IoRequest request;
  request.op = IoRequest::Op::call;
  request.argument = &thread;
  request.function = [](void* argument) noexcept -> int64_t {
    *static_cast<std::thread::id*>(argument) = std::this_thread::get_id();
    return 5;
  };
  const auto task = [&]() -> Task<int64_t> { co_return co_await request.run(*engine_); };
  EXPECT_EQ(engine_->run(task()), 5);
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST_P(FileIoTest, Qcow2WorksOnIt) {
  must("qemu-img convert -c -f raw -O qcow2 disk image");
  DiskSpec spec{.path = path("image"), .io = GetParam()};
  {
    auto disk = open_disk(spec, loop_);
    ASSERT_TRUE(disk) << disk.error().message;
    const Bytes data = pattern(1 << 20, 9);
    const iovec whole{const_cast<std::byte*>(data.data()), data.size()};
    Task<hv::Result<void>> task = (*disk)->write(512, std::span(&whole, 1));
    task.start();
    (*disk)->drain();
    ASSERT_TRUE(task.take());
  }
  EXPECT_EQ(shell("qemu-img check image"), 0) << log();
}

INSTANTIATE_TEST_SUITE_P(Engines, FileIoTest, ::testing::Values(IoEngine::threads, IoEngine::io_uring),
                         [](const auto& info) { return info.param == IoEngine::threads ? "Threads" : "IoUring"; });

/// What the default profile of container engines does.
void forbid_io_uring() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::_Exit(1);
  }
}

TEST(FileIo, ASandboxThatForbidsIoUringGetsThreads) {
  EXPECT_EXIT(
      {
        forbid_io_uring();
        EventLoop loop("disk-test");
        const auto automatic = create_file_io(IoEngine::automatic, loop);
        const auto asked_for = create_file_io(IoEngine::io_uring, loop);
        const bool right = automatic && std::string((*automatic)->name()) == "threads" && !asked_for &&
                           io_uring_obstacle() == "io_uring is not available here: Operation not permitted";
        std::_Exit(right ? 0 : 2);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(FileIo, AutomaticAlwaysFindsAnEngine) {
  EventLoop loop("disk-test");
  EXPECT_TRUE(create_file_io(IoEngine::automatic, loop));
}

}  // namespace
}  // namespace devices
