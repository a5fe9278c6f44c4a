#include "devices/backend/disk/qcow2_disk.h"
#include "hv/base/endian.h"
#include "tests/unit/devices/backend/disk/disk_fixture.h"

namespace devices {
namespace {

using testing::Bytes;

struct Damage {
  const char* name;
  size_t offset;
  unsigned size;
  uint64_t value;
  const char* message;
};

class Qcow2Malformed : public testing::DiskTest, public ::testing::WithParamInterface<Damage> {
 protected:
  static void put(Bytes& image, size_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; ++i) image[offset + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
  }
};

// Offsets are those of the header (docs/interop/qcow2.txt); the image has clusters of 64 KiB.
constexpr Damage kHeaderDamages[] = {
    {"Version", 4, 4, 4, "qcow2 version 4; versions 2 and 3 can be read"},
    {"BackingNameOutside", 12, 8, 0x7000'0000'0000'0005, "the name of its backing file is outside its first cluster"},
    {"ClusterTooSmall", 20, 4, 8, "clusters of 2^8 bytes"},
    {"ClusterTooLarge", 20, 4, 22, "clusters of 2^22 bytes"},
    {"DiskTooLarge", 24, 8, ~uint64_t{0}, "a disk of 18446744073709551615 bytes"},
    {"DiskLargerThanTable", 24, 8, uint64_t{1} << 40, "its L1 table covers less than the disk"},
    {"Encrypted", 32, 4, 1, "encrypted qcow2 images are not supported"},
    {"HugeL1", 36, 4, 0xffff'ffff, "its L1 table has 34359738360 bytes, 33554432 is the limit"},
    {"NoL1", 36, 4, 0, "its L1 table covers less than the disk"},
    {"L1Misaligned", 40, 8, 0x30001, "its L1 table is at byte 0x30001"},
    {"L1Outside", 40, 8, uint64_t{1} << 50, "its L1 table is past the end of the file"},
    {"L1Wraps", 40, 8, 0xffff'ffff'ffff'0000, "its L1 table is past the end of the file"},
    {"RefcountTableAtZero", 48, 8, 0, "its refcount table is at byte 0x0"},
    {"RefcountTableOutside", 48, 8, uint64_t{1} << 40, "its refcount table is past the end of the file"},
    {"RefcountTableHuge", 56, 4, 0xffff, "its refcount table has 4294901760 bytes, 8388608 is the limit"},
    {"NoRefcountTable", 56, 4, 0, "it has no refcount table"},
    {"Snapshots", 60, 4, 0x7fff'ffff, "2147483647 snapshots"},
    {"UnknownFeature", 72, 8, uint64_t{1} << 40, "needs a qcow2 feature that is not supported: number 40"},
    {"DataFile", 72, 8, 4, "its data is in another file"},
    {"ExtendedL2", 72, 8, 16, "extended L2 entries are not supported"},
    {"CompressionFlag", 72, 8, 8, "its header contradicts itself about the compression"},
    {"RefcountOrder", 96, 4, 7, "refcounts of 2^7 bits"},
    {"HeaderLength", 100, 4, 0x20000, "a header of 131072 bytes"},
    {"HeaderTooShort", 100, 4, 72, "a header of 72 bytes"},
    {"CompressionType", 104, 1, 9, "compression type 9 is not supported"},
    {"ExtensionLength", 116, 4, 0xffff'fff0, "a header extension runs out of its cluster"},
};

TEST_P(Qcow2Malformed, IsRefusedWithTheReason) {
  must("qemu-img create -f qcow2 disk 3M");
  Bytes image = read_file("disk");
  put(image, GetParam().offset, GetParam().size, GetParam().value);
  make_file("disk", image);
  EXPECT_NE(open_error({.path = "disk", .format = DiskFormat::qcow2, .read_only = true}).find(GetParam().message),
            std::string::npos)
      << open_error({.path = "disk", .format = DiskFormat::qcow2, .read_only = true});
}

INSTANTIATE_TEST_SUITE_P(Headers, Qcow2Malformed, ::testing::ValuesIn(kHeaderDamages),
                         [](const auto& info) { return info.param.name; });

class Qcow2MalformedTable : public Qcow2Malformed {
 protected:
  /// An image with one data cluster, opened after `value` was stored at `offset` within what `find` names.
  std::unique_ptr<Disk> damaged(bool in_l2, size_t index, uint64_t value) {
    must("qemu-img create -f qcow2 disk 3M");
    must("qemu-io -c 'write -P 7 0 64k' disk");
    Bytes image = read_file("disk");
    const auto l1 = hv::load_be<uint64_t>(&image[40]);
    const uint64_t l2 = hv::load_be<uint64_t>(&image[l1]) & qcow2::kOffsetMask;
    put(image, (in_l2 ? l2 : l1) + index * 8, 8, value);
    make_file("disk", image);
    return open({.path = "disk"});
  }
  std::string read_error(Disk& disk) {
    const auto result = read(disk, 0, 4096);
    return result ? "" : result.error().message;
  }
};

TEST_F(Qcow2MalformedTable, AnL2TableOutsideTheFileIsAReadError) {
  const auto disk = damaged(false, 0, qcow2::kCopied | uint64_t{1} << 40);
  EXPECT_EQ(read_error(*disk), path("disk") + ": damaged qcow2 image: an L2 table at byte 0x10000000000");
  EXPECT_FALSE(write(*disk, 0, pattern(4096, 1)));
}

TEST_F(Qcow2MalformedTable, AnL2TableThatIsMetadataIsAReadError) {
  const auto disk = damaged(false, 0, qcow2::kCopied | 0x10000);
  EXPECT_NE(read_error(*disk), "");
}

TEST_F(Qcow2MalformedTable, AClusterOutsideTheFileIsAReadError) {
  const auto disk = damaged(true, 0, qcow2::kCopied | uint64_t{1} << 40);
  EXPECT_EQ(read_error(*disk), path("disk") + ": damaged qcow2 image: a cluster at byte 0x10000000000");
  EXPECT_FALSE(write(*disk, 0, pattern(4096, 1)));
}

TEST_F(Qcow2MalformedTable, AMisalignedClusterIsAReadError) {
  const auto disk = damaged(true, 0, qcow2::kCopied | 0x50200);
  EXPECT_NE(read_error(*disk), "");
}

TEST_F(Qcow2MalformedTable, DataThatIsMetadataIsNotWritten) {
  const auto disk = damaged(true, 0, qcow2::kCopied | 0x10000);
  EXPECT_NE(write(*disk, 0, pattern(4096, 1)).error().message.find("data and metadata share a cluster"),
            std::string::npos);
}

TEST_F(Qcow2MalformedTable, CompressedClustersAreCheckedBeforeAndWhileUnpacking) {
  EXPECT_NE(read_error(*damaged(true, 0, qcow2::kCompressed | uint64_t{1} << 45)), "");
  EXPECT_NE(read_error(*damaged(true, 0, qcow2::kCompressed | 0x50000)).find("a compressed cluster is damaged"),
            std::string::npos);
}

TEST_F(Qcow2MalformedTable, MetadataThatIsMarkedAsFreeIsNotAllocated) {
  must("qemu-img create -f qcow2 disk 3M");
  Bytes image = read_file("disk");
  const auto table = hv::load_be<uint64_t>(&image[48]);
  const auto block = hv::load_be<uint64_t>(&image[table]);
  std::fill_n(image.begin() + static_cast<ptrdiff_t>(block), 64, std::byte{0});
  make_file("disk", image);
  const auto disk = open({.path = "disk"});
  EXPECT_NE(write(*disk, 0, pattern(4096, 1)).error().message.find("is marked as free"), std::string::npos);
}

}  // namespace
}  // namespace devices
