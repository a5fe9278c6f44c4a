#include "emu/interp/block_cache.h"

#include <algorithm>
#include <new>

#include "hv/base/check.h"

namespace emu::interp {

BlockCache::BlockCache(size_t arena_bytes)
    : buckets_(std::make_unique<std::array<Block*, kBuckets>>()),
      arena_bytes_(arena_bytes),
      arena_(new std::byte[arena_bytes]) {
  CHECK(arena_bytes >= sizeof(Block) + (kMaxInsns + 1) * sizeof(Insn));
}

Block* BlockCache::find_in_chain(const std::byte* host) noexcept {
  Block** place = &bucket(host);
  Block* const head = *place;
  while (*place != nullptr && (*place)->host != host) place = &(*place)->next_in_bucket;
  Block* const found = *place;
  if (found == nullptr || found == head) return found;
  *place = found->next_in_bucket;  // the next search finds it first
  found->next_in_bucket = head;
  bucket(host) = found;
  return found;
}

Block* BlockCache::add(const std::byte* host, std::span<const Insn> insns) noexcept {
  CHECK(insns.size() <= kMaxInsns + 1);
  const size_t size = sizeof(Block) + insns.size_bytes();
  if (used_ + size > arena_bytes_) clear();
  if (Block* old = find(host); old != nullptr) remove(old);
  auto* block = new (arena_.get() + used_) Block;
  used_ += size;
  block->host = host;
  std::uninitialized_copy(insns.begin(), insns.end(), block->insns());
  block->next_in_bucket = bucket(host);
  bucket(host) = block;
  return block;
}

void BlockCache::remove(Block* block) noexcept {
  Block** place = &bucket(block->host);
  while (*place != nullptr && *place != block) place = &(*place)->next_in_bucket;
  if (*place == block) *place = block->next_in_bucket;
  block->epoch = 0;
}

void BlockCache::clear() noexcept {
  buckets_->fill(nullptr);
  used_ = 0;
  ++generation_;
}

}  // namespace emu::interp
