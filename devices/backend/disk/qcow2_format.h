#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "hv/base/result.h"

/// The qcow2 image format, versions 2 and 3, as QEMU's docs/interop/qcow2.txt (7.2) describes it. All numbers in an
/// image are big-endian.
namespace devices::qcow2 {

inline constexpr uint32_t kMagic = 0x514649fb;  // "QFI\xfb"
inline constexpr size_t kHeaderSizeV2 = 72;
inline constexpr size_t kHeaderSizeV3 = 104;

// The limits on tables that QEMU has, too.
inline constexpr uint64_t kMaxL1Bytes = 32 << 20;
inline constexpr uint64_t kMaxRefcountTableBytes = 8 << 20;

enum class HeaderOffset : size_t {
  l1_size = 36,
  l1_table = 40,
  refcount_table = 48,
  refcount_table_clusters = 56,
  incompatible_features = 72,
  autoclear_features = 88,
};

inline constexpr uint64_t kIncompatibleDirty = 1;
inline constexpr uint64_t kIncompatibleCorrupt = 2;
inline constexpr uint64_t kIncompatibleDataFile = 4;
inline constexpr uint64_t kIncompatibleCompression = 8;
inline constexpr uint64_t kIncompatibleExtendedL2 = 16;

enum class Compression : uint8_t { zlib = 0, zstd = 1 };

/// An image's header, checked: every offset is a whole number of clusters, every table within the file.
struct Header {
  uint32_t version = 0;
  unsigned cluster_bits = 0;
  uint64_t size = 0;     ///< of the disk, bytes, rounded up to a sector
  uint32_t l1_size = 0;  ///< entries
  uint64_t l1_table = 0;
  uint64_t refcount_table = 0;
  uint32_t refcount_table_clusters = 0;
  unsigned refcount_bits = 16;
  uint32_t snapshots = 0;
  uint64_t incompatible_features = 0;
  uint64_t autoclear_features = 0;
  Compression compression = Compression::zlib;
  bool has_bitmaps = false;
  std::string backing_file;    ///< empty where there is none
  std::string backing_format;  ///< empty where the image does not say

  uint64_t cluster_size() const noexcept { return uint64_t{1} << cluster_bits; }
  uint64_t l2_entries() const noexcept { return cluster_size() / 8; }
};

/// `start` is the image's first cluster, or the whole file where that is shorter (at least as much as `header_bytes`
/// asks for). `path` is for messages, `file_size` in bytes.
hv::Result<Header> parse_header(std::span<const std::byte> start, uint64_t file_size, const std::string& path);

/// How much of the file `parse_header` needs, from its first 512 bytes (or all of a shorter file).
uint64_t header_bytes(std::span<const std::byte> start) noexcept;

/// Whether a file that begins with these bytes is a qcow2 image of any version.
bool has_magic(std::span<const std::byte> start) noexcept;

// Entries of L1 and L2 tables.
inline constexpr uint64_t kCopied = uint64_t{1} << 63;  // refcount is exactly one: may be written in place
inline constexpr uint64_t kCompressed = uint64_t{1} << 62;
inline constexpr uint64_t kZero = 1;  // version 3
inline constexpr uint64_t kOffsetMask = 0x00ff'ffff'ffff'fe00;

/// Where a compressed cluster's bytes are. Their exact number is not recorded; `size` is an upper bound.
struct CompressedExtent {
  uint64_t offset = 0;
  uint64_t size = 0;
};
CompressedExtent compressed_extent(uint64_t entry, unsigned cluster_bits) noexcept;

/// Unpacks one cluster. Error: the data is damaged or gives less than `out.size()` bytes.
hv::Result<void> decompress(Compression compression, std::span<const std::byte> in, std::span<std::byte> out);

}  // namespace devices::qcow2
