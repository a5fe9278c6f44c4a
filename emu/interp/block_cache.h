#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "emu/isa/insn.h"

namespace emu::interp {

/// A straight run of decoded instructions within one page of guest memory, ended by one that leaves it. It holds no
/// guest address: the host address of its first byte names it, so every process that maps the page shares it.
struct Block {
  const std::byte* host = nullptr;  ///< where its code lies
  uint64_t epoch = 0;               ///< the code epoch in which its code was last known to be unchanged
  std::array<Block*, 2> link{};     ///< successors in the same page: [0] falling through or jumping, [1] branching
  Block* next_in_bucket = nullptr;
  uint32_t heat = 0;      ///< times it was entered while a JIT watches
  uint16_t bytes = 0;     ///< of code
  uint8_t evictions = 0;  ///< times that its translation was found gone, up to a limit
  bool was_translated = false;
  bool crosses_page = false;  ///< its only instruction begins in this page and ends in the next one

  const Insn* insns() const noexcept { return reinterpret_cast<const Insn*>(this + 1); }
  Insn* insns() noexcept { return reinterpret_cast<Insn*>(this + 1); }
};
static_assert(sizeof(Block) % alignof(Insn) == 0);

/// The decoded blocks of one vCPU, found by the host address of their code. When its arena is full, all go; what
/// was never used of it is never touched. Owned by the vCPU's thread.
class BlockCache {
 public:
  static constexpr size_t kMaxInsns = 64;  ///< in a block, without the one that may have to be added to leave it

  /// `arena_bytes` for the blocks, room for more than one.
  explicit BlockCache(size_t arena_bytes);

  /// The block whose code begins at `host`, or nullptr. It may be of an older epoch.
  Block* find(const std::byte* host) noexcept {
    Block* block = bucket(host);
    if (block != nullptr && block->host == host) [[likely]]
      return block;
    return find_in_chain(host);
  }

  /// Adds a block with a copy of `insns`, at most kMaxInsns + 1. It replaces the one that began at the same place.
  Block* add(const std::byte* host, std::span<const Insn> insns) noexcept;

  /// Forgets `block`, whose code has changed; others may go on linking to it, and see its epoch.
  void remove(Block* block) noexcept;

  /// Changes whenever blocks that were found before may be gone.
  uint64_t generation() const noexcept { return generation_; }

  void clear() noexcept;

 private:
  static constexpr size_t kBuckets = 16384;

  static size_t hash(const std::byte* host) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(host);
    return ((address >> 1) ^ (address >> 15)) & (kBuckets - 1);
  }
  Block*& bucket(const std::byte* host) noexcept { return (*buckets_)[hash(host)]; }
  Block* find_in_chain(const std::byte* host) noexcept;

  std::unique_ptr<std::array<Block*, kBuckets>> buckets_;
  size_t arena_bytes_;
  std::unique_ptr<std::byte[]> arena_;
  size_t used_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace emu::interp
