#include "devices/backend/disk/sector_set.h"

#include <algorithm>
#include <bit>

namespace devices {

SectorSet::SectorSet(uint64_t sectors) : chunks_(static_cast<size_t>((sectors + kChunkBits - 1) / kChunkBits)) {}

void SectorSet::insert(uint64_t first, uint64_t count) {
  for (const uint64_t end = first + count; first < end;) {
    std::unique_ptr<Chunk>& chunk = chunks_[first / kChunkBits];
    if (!chunk) chunk = std::make_unique<Chunk>();
    const uint64_t bit = first % kWordBits;
    const uint64_t bits = std::min(kWordBits - bit, end - first);
    (*chunk)[first % kChunkBits / kWordBits] |= (~uint64_t{0} >> (kWordBits - bits)) << bit;
    first += bits;
  }
}

bool SectorSet::contains(uint64_t sector) const noexcept {
  const std::unique_ptr<Chunk>& chunk = chunks_[sector / kChunkBits];
  return chunk && ((*chunk)[sector % kChunkBits / kWordBits] >> (sector % kWordBits) & 1) != 0;
}

uint64_t SectorSet::run(uint64_t first, uint64_t count) const noexcept {
  const bool wanted = contains(first);
  const uint64_t end = first + count;
  uint64_t at = first;
  while (at < end) {
    const std::unique_ptr<Chunk>& chunk = chunks_[at / kChunkBits];
    if (!chunk) {
      if (wanted) break;
      at = (at / kChunkBits + 1) * kChunkBits;
      continue;
    }
    const uint64_t word = (*chunk)[at % kChunkBits / kWordBits] >> (at % kWordBits);
    const uint64_t left = kWordBits - at % kWordBits;
    const auto same =
        std::min<uint64_t>(static_cast<uint64_t>(wanted ? std::countr_one(word) : std::countr_zero(word)), left);
    at += same;
    if (same < left) break;
  }
  return std::min(at, end) - first;
}

}  // namespace devices
