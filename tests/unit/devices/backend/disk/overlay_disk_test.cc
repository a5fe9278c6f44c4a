#include "devices/backend/disk/overlay_disk.h"

#include <cerrno>

#include "devices/backend/disk/raw_disk.h"
#include "tests/unit/devices/backend/disk/random_operations.h"

namespace devices {
namespace {

using testing::Bytes;
using testing::RandomOperations;

class OverlayDiskTest : public testing::DiskTest {};

constexpr size_t kSize = 1 << 20;

TEST_F(OverlayDiskTest, ChangesAreSeenAndTheImageStaysAsItIs) {
  make_file("disk", pattern(kSize, 1));
  io_->hold_back = true;
  const auto disk = open({.path = "disk", .snapshot = true});
  RandomOperations operations(*disk, *io_, pattern(kSize, 1), 3);
  for (int i = 0; i < 200 && !HasFatalFailure(); ++i) operations.round();
  operations.check_all();
  EXPECT_NE(operations.model(), pattern(kSize, 1));
  EXPECT_EQ(read_file("disk"), pattern(kSize, 1));
}

TEST_F(OverlayDiskTest, WorksOverQcow2) {
  make_file("source", pattern(kSize, 1));
  must("qemu-img convert -c -f raw -O qcow2 source disk");
  const Bytes before = read_file("disk");
  {
    const auto disk = open({.path = "disk", .snapshot = true});
    RandomOperations operations(*disk, *io_, pattern(kSize, 1), 3);
    for (int i = 0; i < 100 && !HasFatalFailure(); ++i) operations.round();
    operations.check_all();
  }
  EXPECT_EQ(read_file("disk"), before);
}

TEST_F(OverlayDiskTest, NothingIsLeftInTheTemporaryFolder) {
  make_file("disk", pattern(kSize, 1));
  std::filesystem::create_directory(path("tmp"));
  ::setenv("TMPDIR", path("tmp").c_str(), 1);
  const auto disk = open({.path = "disk", .snapshot = true});
  ::unsetenv("TMPDIR");
  ASSERT_TRUE(write(*disk, 0, pattern(4096, 2)));
  EXPECT_TRUE(std::filesystem::is_empty(path("tmp")));
}

TEST_F(OverlayDiskTest, AWriteThatFailsShowsTheDiskBelow) {
  make_file("disk", pattern(kSize, 1));
  const auto disk = open({.path = "disk", .snapshot = true});
  io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
    return request.op == IoRequest::Op::write ? std::optional<int64_t>(-ENOSPC) : std::nullopt;
  };
  EXPECT_EQ(write(*disk, 0, pattern(512, 2)).error().code, ENOSPC);
  EXPECT_EQ(*read(*disk, 0, 512), part(pattern(kSize, 1), 0, 512));
}

TEST_F(OverlayDiskTest, AReadOnlySnapshotStaysReadOnly) {
  make_file("disk", pattern(kSize, 1));
  EXPECT_TRUE(open({.path = "disk", .read_only = true, .snapshot = true})->properties().read_only);
  EXPECT_FALSE(open({.path = "disk", .snapshot = true})->properties().read_only);
}

}  // namespace
}  // namespace devices
