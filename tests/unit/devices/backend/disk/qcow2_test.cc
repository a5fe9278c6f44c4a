#include <cerrno>

#include "devices/backend/disk/qcow2_disk.h"
#include "tests/unit/devices/backend/disk/random_operations.h"

namespace devices {
namespace {

using testing::Bytes;
using testing::RandomOperations;

class Qcow2Test : public testing::DiskTest {
 protected:
  /// Random operations, then what qemu-img says of the image.
  void exercise(const Bytes& contents, int rounds, uint32_t seed, const DiskSpec& spec = {.path = "disk"}) {
    io_->hold_back = true;
    Bytes expected;
    {
      const auto disk = open(spec);
      ASSERT_NE(disk, nullptr);
      ASSERT_EQ(disk->size(), contents.size());
      RandomOperations operations(*disk, *io_, contents, seed);
      for (int i = 0; i < rounds && !HasFatalFailure(); ++i) operations.round();
      operations.check_all();
      expected = operations.model();
    }
    EXPECT_EQ(shell("qemu-img check disk"), 0) << log();
    make_file("expected", expected);
    EXPECT_EQ(shell("qemu-img compare -f raw -F qcow2 expected disk"), 0) << log();
  }
};

constexpr size_t kSize = 3 << 20;

struct Variant {
  const char* options;
  int rounds;
};

class Qcow2Variants : public Qcow2Test, public ::testing::WithParamInterface<Variant> {};

TEST_P(Qcow2Variants, RandomOperationsMatchAFlatArrayAndLeaveACleanImage) {
  must(std::string("qemu-img create -f qcow2 -o ") + GetParam().options + " disk 3M");
  exercise(Bytes(kSize), GetParam().rounds, 11);
}

INSTANTIATE_TEST_SUITE_P(Options, Qcow2Variants,
                         ::testing::Values(Variant{"compat=1.1", 150},                               //
                                           Variant{"compat=0.10", 150},                              //
                                           Variant{"compat=1.1,cluster_size=512", 150},              //
                                           Variant{"compat=0.10,cluster_size=512", 60},              //
                                           Variant{"compat=1.1,cluster_size=4k", 150},               //
                                           Variant{"compat=1.1,cluster_size=2M", 60},                //
                                           Variant{"cluster_size=512,refcount_bits=64", 100},        //
                                           Variant{"cluster_size=1k,refcount_bits=1", 100},          //
                                           Variant{"cluster_size=1k,refcount_bits=4", 100},          //
                                           Variant{"cluster_size=1k,refcount_bits=32", 100},         //
                                           Variant{"lazy_refcounts=on,cluster_size=4k", 100},        //
                                           Variant{"preallocation=metadata,cluster_size=4k", 100}),  //
                         [](const auto& info) {
                           std::string name = info.param.options;
                           std::ranges::replace_if(
                               name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
                           return name;
                         });

TEST_F(Qcow2Test, CompressedClustersAreReadAndReplaced) {
  Bytes contents = pattern(kSize, 5);
  std::fill(contents.begin() + 70'000, contents.begin() + 700'000, std::byte{7});
  for (const char* const type : {"zlib", "zstd"}) {
    make_file("source", contents);
    must(std::string("qemu-img convert -c -f raw -O qcow2 -o compression_type=") + type + " source disk");
    exercise(contents, 100, 4);
  }
}

TEST_F(Qcow2Test, InternalSnapshotsKeepTheirContents) {
  make_file("source", pattern(kSize, 5));
  must("qemu-img convert -f raw -O qcow2 -o cluster_size=4k source disk");
  must("qemu-img snapshot -c before disk");
  exercise(pattern(kSize, 5), 100, 6);
  must("qemu-img snapshot -a before disk");
  EXPECT_EQ(shell("qemu-img compare -f raw -F qcow2 source disk"), 0) << log();
  EXPECT_EQ(shell("qemu-img check disk"), 0) << log();
}

TEST_F(Qcow2Test, BackingFilesAreRefusedUnlessAllowed) {
  make_file("base", pattern(1 << 20, 5));
  must("qemu-img create -f qcow2 -b base -F raw disk 3M");
  EXPECT_NE(open_error({.path = "disk"}).find("needs the backing file 'base', and backing files are off"),
            std::string::npos);
}

TEST_F(Qcow2Test, BackingFilesShowThrough) {
  Bytes contents = pattern(1 << 20, 5);
  make_file("base", contents);
  contents.resize(kSize);
  for (const char* const compat : {"1.1", "0.10"}) {
    must(std::string("qemu-img create -f qcow2 -b base -F raw -o cluster_size=4k,compat=") + compat + " disk 3M");
    exercise(contents, 100, 8, {.path = "disk", .allow_backing_file = true});
  }
  EXPECT_EQ(read_file("base"), pattern(1 << 20, 5));
}

TEST_F(Qcow2Test, ChainsThatNeverEndAreRefused) {
  must("qemu-img create -f qcow2 disk 3M");
  must("qemu-img rebase -u -f qcow2 -F qcow2 -b disk disk");
  EXPECT_NE(open_error({.path = "disk", .read_only = true, .allow_backing_file = true}).find("more than 16 backing"),
            std::string::npos);
}

TEST_F(Qcow2Test, TheRefcountTableGrows) {
  // 64 counts in a block and 64 blocks in a table of one cluster: 2 MiB of file.
  must("qemu-img create -f qcow2 -o cluster_size=512,refcount_bits=64 disk 24M");
  {
    const auto disk = open({.path = "disk"});
    for (uint64_t offset = 0; offset < 24 << 20; offset += 1 << 20) {
      ASSERT_TRUE(write(*disk, offset, pattern(1 << 20, static_cast<uint32_t>(offset >> 20))));
    }
    ASSERT_TRUE(flush(*disk));
    EXPECT_EQ(*read(*disk, 23 << 20, 1 << 20), pattern(1 << 20, 23));
  }
  EXPECT_EQ(shell("qemu-img check disk"), 0) << log();
}

TEST_F(Qcow2Test, DiscardGivesClustersAndSpaceBack) {
  must("qemu-img create -f qcow2 disk 64M");
  const auto disk = open({.path = "disk"});
  ASSERT_TRUE(write(*disk, 0, pattern(8 << 20, 1)));
  ASSERT_TRUE(flush(*disk));
  ASSERT_TRUE(io_->run(disk->discard(0, 8 << 20)));
  ASSERT_TRUE(flush(*disk));
  ASSERT_TRUE(write(*disk, 32 << 20, pattern(8 << 20, 2)));
  ASSERT_TRUE(flush(*disk));
  EXPECT_LT(std::filesystem::file_size(path("disk")), 9u << 20);
  EXPECT_EQ(*read(*disk, 0, 4096), Bytes(4096));
}

TEST_F(Qcow2Test, ADirtyImageIsPutRightWhenItIsOpenedForWriting) {
  must("qemu-img create -f qcow2 -o lazy_refcounts=on,cluster_size=4k disk 3M");
  must("qemu-io -c 'write -P 7 0 1M' -c abort disk || true");
  must("qemu-img info disk");
  ASSERT_NE(shell("qemu-img check disk"), 0);
  Bytes contents(kSize);
  std::fill_n(contents.begin(), 1 << 20, std::byte{7});
  exercise(contents, 50, 9);
}

TEST_F(Qcow2Test, ADamagedMarkForbidsWritingOnly) {
  must("qemu-img create -f qcow2 disk 3M");
  Bytes image = read_file("disk");
  image[79] |= std::byte{2};
  make_file("disk", image);
  EXPECT_NE(open_error({.path = "disk"}).find("marked as damaged"), std::string::npos);
  EXPECT_NE(open({.path = "disk", .read_only = true}), nullptr);
}

TEST_F(Qcow2Test, AWriteThatFailsLeavesTheOldContentsAndACleanImage) {
  must("qemu-img create -f qcow2 -o cluster_size=4k disk 3M");
  {
    const auto disk = open({.path = "disk"});
    ASSERT_TRUE(write(*disk, 0, pattern(4096, 1)));
    io_->intercept = [](const IoRequest& request) -> std::optional<int64_t> {
      return request.op == IoRequest::Op::write ? std::optional<int64_t>(-ENOSPC) : std::nullopt;
    };
    EXPECT_EQ(write(*disk, 8192, pattern(16384, 2)).error().code, ENOSPC);
    io_->intercept = nullptr;
    EXPECT_EQ(*read(*disk, 8192, 16384), Bytes(16384));
    ASSERT_TRUE(write(*disk, 8192, pattern(16384, 3)));
    EXPECT_EQ(*read(*disk, 8192, 16384), pattern(16384, 3));
  }
  EXPECT_EQ(shell("qemu-img check disk"), 0) << log();
}

TEST_F(Qcow2Test, AutomaticFormatGoesByTheFirstBytes) {
  must("qemu-img create -f qcow2 disk 3M");
  EXPECT_EQ(open({.path = "disk"})->size(), kSize);
  EXPECT_LT(open({.path = "disk", .format = DiskFormat::raw})->size(), kSize);
  make_file("raw", pattern(4096, 1));
  EXPECT_EQ(open_error({.path = "raw", .format = DiskFormat::qcow2}), path("raw") + ": not a qcow2 image");
}

}  // namespace
}  // namespace devices
