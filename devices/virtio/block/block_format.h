#pragma once

#include <cstdint>

/// What a block device and its driver say to each other. VIRTIO 1.2 §5.2
namespace devices::virtio::block {

inline constexpr uint32_t kDeviceId = 2;

// Feature bits. §5.2.3
inline constexpr uint64_t kFeatureSizeMax = uint64_t{1} << 1;
inline constexpr uint64_t kFeatureSegMax = uint64_t{1} << 2;
inline constexpr uint64_t kFeatureReadOnly = uint64_t{1} << 5;
inline constexpr uint64_t kFeatureBlockSize = uint64_t{1} << 6;
inline constexpr uint64_t kFeatureFlush = uint64_t{1} << 9;
inline constexpr uint64_t kFeatureTopology = uint64_t{1} << 10;
inline constexpr uint64_t kFeatureConfigWce = uint64_t{1} << 11;
inline constexpr uint64_t kFeatureMultiQueue = uint64_t{1} << 12;
inline constexpr uint64_t kFeatureDiscard = uint64_t{1} << 13;
inline constexpr uint64_t kFeatureWriteZeroes = uint64_t{1} << 14;

// Offsets of the configuration fields. §5.2.4
enum class ConfigOffset : uint32_t {
  capacity = 0,              // u64, sectors
  size_max = 8,              // u32
  seg_max = 12,              // u32
  blk_size = 20,             // u32
  physical_block_exp = 24,   // u8, log2(blocks in a physical block)
  alignment_offset = 25,     // u8
  min_io_size = 26,          // u16, blocks
  opt_io_size = 28,          // u32, blocks
  writeback = 32,            // u8
  num_queues = 34,           // u16
  max_discard_sectors = 36,  // u32
  max_discard_seg = 40,
  discard_sector_alignment = 44,
  max_write_zeroes_sectors = 48,
  max_write_zeroes_seg = 52,
  write_zeroes_may_unmap = 56,  // u8
};
inline constexpr uint32_t kConfigSize = 60;

// Requests. §5.2.6
enum class RequestType : uint32_t {
  in = 0,
  out = 1,
  flush = 4,
  get_id = 8,
  discard = 11,
  write_zeroes = 13,
};
enum class Status : uint8_t { ok = 0, io_error = 1, unsupported = 2 };

struct RequestHeader {
  uint32_t type;
  uint32_t reserved;
  uint64_t sector;
};
static_assert(sizeof(RequestHeader) == 16);

/// One range of a discard or a write-zeroes request.
struct RangeSegment {
  uint64_t sector;
  uint32_t sectors;
  uint32_t flags;
};
static_assert(sizeof(RangeSegment) == 16);
inline constexpr uint32_t kRangeUnmap = 1;

inline constexpr uint32_t kIdSize = 20;

}  // namespace devices::virtio::block
