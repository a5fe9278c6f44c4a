#include <cerrno>
#include <fcntl.h>

#include <sys/stat.h>

#include "tests/unit/devices/backend/disk/random_operations.h"

namespace devices {
namespace {

using testing::Bytes;
using testing::RandomOperations;

class RawDiskTest : public testing::DiskTest {};

constexpr size_t kSize = 1 << 20;

TEST_F(RawDiskTest, ReadsAndWritesTheFile) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  ASSERT_EQ(disk->size(), kSize);
  EXPECT_EQ(*read(*disk, 512, 4096), part(pattern(kSize, 1), 512, 4096));
  ASSERT_TRUE(write(*disk, 1024, pattern(512, 2)));
  EXPECT_EQ(*read(*disk, 1024, 512), pattern(512, 2));
  EXPECT_EQ(part(read_file("disk"), 1024, 512), pattern(512, 2));
}

TEST_F(RawDiskTest, RandomOperationsMatchAFlatArray) {
  make_file("disk", pattern(kSize, 1));
  io_->hold_back = true;
  const auto disk = open({.path = "disk"});
  RandomOperations operations(*disk, *io_, pattern(kSize, 1), 7);
  for (int i = 0; i < 200 && !HasFatalFailure(); ++i) operations.round();
  operations.check_all();
  EXPECT_EQ(read_file("disk"), operations.model());
}

TEST_F(RawDiskTest, AFileThatEndsWithinASectorReadsAsZerosFromThere) {
  make_file("disk", pattern(700, 1));
  const auto disk = open({.path = "disk"});
  ASSERT_EQ(disk->size(), 1024u);
  Bytes expected = pattern(700, 1);
  expected.resize(1024);
  EXPECT_EQ(*read(*disk, 0, 1024), expected);
}

TEST_F(RawDiskTest, DiscardGivesSpaceBackAndKeepsTheSize) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  ASSERT_TRUE(io_->run(disk->discard(0, kSize / 2)));
  struct stat status {};
  ASSERT_EQ(::stat(path("disk").c_str(), &status), 0);
  EXPECT_LE(status.st_blocks * 512, static_cast<int64_t>(kSize / 2 + 65536));
  EXPECT_EQ(status.st_size, static_cast<int64_t>(kSize));
  EXPECT_EQ(*read(*disk, 0, 4096), Bytes(4096));
}

TEST_F(RawDiskTest, ZerosAreWrittenWhereTheHostHasNoBetterWay) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
    const bool hole = request.op == IoRequest::Op::punch || request.op == IoRequest::Op::zero;
    return hole ? std::optional<int64_t>(-EOPNOTSUPP) : std::nullopt;
  };
  ASSERT_TRUE(io_->run(disk->write_zeroes(512, 300 * 1024, true)));
  ASSERT_TRUE(io_->run(disk->discard(0, kSize)));
  EXPECT_EQ(*read(*disk, 512, 300 * 1024), Bytes(300 * 1024));
  EXPECT_EQ(*read(*disk, 0, 512), part(pattern(kSize, 1), 0, 512));
}

TEST_F(RawDiskTest, HostFailuresAreErrorsThatNameTheFile) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
    return request.op == IoRequest::Op::write ? -ENOSPC : -EIO;
  };
  const auto written = write(*disk, 0, pattern(512, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOSPC);
  EXPECT_EQ(written.error().message, path("disk") + ": cannot write at byte 0: No space left on device");
  EXPECT_EQ(read(*disk, 0, 512).error().code, EIO);
}

TEST_F(RawDiskTest, AFailedFlushStaysFailed) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
    return request.op == IoRequest::Op::sync ? std::optional<int64_t>(-EIO) : std::nullopt;
  };
  EXPECT_FALSE(flush(*disk));
  io_->intercept = nullptr;
  EXPECT_FALSE(flush(*disk));
}

TEST_F(RawDiskTest, WhatWasWrittenIsFlushedAtTheEnd) {
  make_file("disk", pattern(kSize, 1));
  unsigned syncs = 0;
  io_->intercept = [&syncs](const IoRequest& request) -> std::optional<int64_t> {
    syncs += request.op == IoRequest::Op::sync ? 1 : 0;
    return std::nullopt;
  };
  open({.path = "disk"});
  EXPECT_EQ(syncs, 0u);
  {
    const auto disk = open({.path = "disk"});
    ASSERT_TRUE(write(*disk, 0, pattern(512, 2)));
  }
  EXPECT_EQ(syncs, 1u);
}

TEST_F(RawDiskTest, ShortTransfersAreCarriedOn) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
    if (request.iovec_count == 0) return std::nullopt;
    IoRequest shorter = request;
    iovec piece{request.iovecs->iov_base, std::min<size_t>(request.iovecs->iov_len, 1000)};
    shorter.iovecs = &piece;
    shorter.iovec_count = 1;
    return perform_blocking(shorter);
  };
  ASSERT_TRUE(write(*disk, 0, pattern(8192, 3)));
  EXPECT_EQ(*read(*disk, 0, 8192), pattern(8192, 3));
}

TEST_F(RawDiskTest, WhatIsNoDiskIsRefused) {
  EXPECT_EQ(open_error({.path = "absent"}), path("absent") + ": No such file or directory");
  std::filesystem::create_directory(path("folder"));
  EXPECT_EQ(open_error({.path = "folder", .read_only = true}), path("folder") + ": neither a file nor a block device");
}

TEST_F(RawDiskTest, ASecondWriterIsRefused) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk"});
  EXPECT_EQ(open_error({.path = "disk"}),
            path("disk") + ": another program has this image open for writing; two would damage it");
  EXPECT_EQ(open_error({.path = "disk", .read_only = true}),
            path("disk") + ": another program has this image open for writing; two would damage it");
  EXPECT_EQ(open_error({.path = "disk", .snapshot = true}),
            path("disk") + ": another program has this image open for writing; two would damage it");
}

TEST_F(RawDiskTest, ReadersShareAndKeepWritersOut) {
  make_file("disk", pattern(kSize, 1));
  const auto reader = open({.path = "disk", .read_only = true});
  const auto other = open({.path = "disk", .snapshot = true});
  EXPECT_NE(open_error({.path = "disk"}).find("does not share it"), std::string::npos);
}

TEST_F(RawDiskTest, QemuSeesTheLock) {
  make_file("disk", pattern(kSize, 1));
  {
    const auto writer = open({.path = "disk"});
    EXPECT_NE(shell("qemu-io -f raw -c 'write 0 512' disk"), 0);
    EXPECT_NE(shell("qemu-img convert -f raw -O raw disk copy"), 0);
  }
  const auto reader = open({.path = "disk", .read_only = true});
  EXPECT_NE(shell("qemu-io -f raw -c 'write 0 512' disk"), 0);
  EXPECT_EQ(shell("qemu-io -r -f raw -c 'read 0 512' disk"), 0) << log();
}

}  // namespace
}  // namespace devices
