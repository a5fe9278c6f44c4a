#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace devices {

/// A set of sector numbers, in memory only where there are any.
class SectorSet {
 public:
  explicit SectorSet(uint64_t sectors);

  void insert(uint64_t first, uint64_t count);
  bool contains(uint64_t sector) const noexcept;
  /// How many of the `count` sectors from `first` on are all in the set, or all not, as `first` is.
  uint64_t run(uint64_t first, uint64_t count) const noexcept;

 private:
  static constexpr uint64_t kWordBits = 64;
  static constexpr uint64_t kChunkWords = 512;
  static constexpr uint64_t kChunkBits = kChunkWords * kWordBits;
  using Chunk = std::array<uint64_t, kChunkWords>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace devices
