#include "emu/jit/engine.h"

#include <algorithm>
#include <cstring>
#include <unistd.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "hv/base/check.h"
#include "hv/core/guest_address.h"

namespace emu::jit {
namespace {

uintptr_t page_of(const std::byte* host) noexcept {
  return reinterpret_cast<uintptr_t>(host) & ~uintptr_t{hv::kGuestPageSize - 1};
}

/// The host pages that have the block's code.
std::vector<uintptr_t> pages_of(const Block& block) {
  std::vector<uintptr_t> pages = {page_of(block.host)};
  if (block.second_half != nullptr && page_of(block.second_half) != pages[0])
    pages.push_back(page_of(block.second_half));
  return pages;
}

/// Stands in a jump table where a block was removed: it has no key either, but others may have the same place.
constexpr std::array<uint64_t, 2> kUnknown{};
const std::byte* unknown() noexcept { return reinterpret_cast<const std::byte*>(&kUnknown[1]); }

/// What one block can take at most, bytes.
constexpr size_t kLargestBlock = 64 << 10;

/// Blocks are evicted by the segment: an eighth of them at a time.
constexpr size_t kMostSegments = 8;

}  // namespace

const std::string& Engine::obstacle() {
  static const std::string text = []() -> std::string {
    if (const std::string lack = backend::processor_obstacle(); !lack.empty()) return lack;
    const auto arena = Arena::create(hv::kGuestPageSize);
    return arena ? "" : arena.error().message;
  }();
  return text;
}

hv::Result<std::unique_ptr<Engine>> Engine::create(const Layout& layout, size_t size) {
  if (const std::string lack = backend::processor_obstacle(); !lack.empty()) return hv::error("{}", lack);
  std::unique_ptr<Engine> engine(new Engine(layout));
  engine->arena_ = TRY(Arena::create(size));
  engine->thunks_ = backend::make_thunks(*engine->arena_, engine->layout_);
  engine->arena_->divide(std::clamp<size_t>(engine->arena_->left() / (2 * kLargestBlock), 2, kMostSegments));
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
  engine->emitter_ = std::make_unique<backend::Emitter>(engine->buffer_.assembler(), engine->layout_, engine->thunks_);
  return engine;
}

Engine::Table& Engine::make_table(unsigned mode) noexcept {
  const std::lock_guard lock(making_tables_);
  if (owned_tables_[mode] == nullptr) {
    auto table = std::make_unique<Table>();
    for (auto& entry : *table) entry.store(thunks_.no_block, std::memory_order_relaxed);
    tables_[mode].store(table.get(), std::memory_order_release);
    owned_tables_[mode] = std::move(table);
  }
  return *owned_tables_[mode];
}

const std::byte* Engine::find(const std::byte* host, unsigned mode) noexcept {
  std::atomic<const std::byte*>& entry = table(mode)[jump_index(host)];
  const std::byte* const found = entry.load(std::memory_order_acquire);
  uint64_t key = 0;
  std::memcpy(&key, found - sizeof key, sizeof key);
  if (key == reinterpret_cast<uint64_t>(host)) return found;
  if (found == thunks_.no_block) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto at = blocks_.find({host, mode});
  if (at == blocks_.end()) return nullptr;
  entry.store(at->second->entry, std::memory_order_release);
  return at->second->entry;
}

bool Engine::add(const ir::Block& ir, std::unique_ptr<Block> block) {
  const std::lock_guard lock(mutex_);
  if (blocks_.contains({block->host, block->mode})) return true;
  if (arena_->left() < kLargestBlock && !make_room()) return false;
  const std::byte* const base = arena_->executable();
  buffer_.begin(reinterpret_cast<uint64_t>(base));
  emitter_->emit(ir, *block);
  std::byte* const written = arena_->writable();
  const size_t size = buffer_.finish(written);
  CHECK(size <= kLargestBlock);
  arena_->take(size);
  block->entry = base + backend::Emitter::kPrefix;
  block->host_bytes = static_cast<uint32_t>(size - backend::Emitter::kPrefix);
  for (const auto& exit : block->exits) {
    if (exit->kind != Exit::Kind::link) continue;
    const auto offset = reinterpret_cast<size_t>(exit->site);
    exit->site = written + offset;
    exit->site_end = base + offset + sizeof(int32_t);
    std::memcpy(&exit->unlinked, exit->site, sizeof exit->unlinked);
  }
  ++stats_.blocks;
  stats_.guest_bytes += block->guest_bytes;
  stats_.host_bytes += size;
  for (const uintptr_t page : pages_of(*block)) pages_[page].push_back(block.get());
  added_.fetch_add(1, std::memory_order_release);
  table(block->mode)[jump_index(block->host)].store(block->entry, std::memory_order_release);
  Block& added = *block;
  blocks_.emplace(Key{added.host, added.mode}, std::move(block));
  if (observer_ != nullptr) observer_->translated(ir, added);
  return true;
}

// One aligned store within eight bytes: another vCPU that fetches the jump sees the old one or the new one.
void Engine::patch(Exit& exit, int32_t displacement) noexcept {
  __atomic_store_n(reinterpret_cast<int32_t*>(exit.site), displacement, __ATOMIC_RELEASE);
}

void Engine::link(const Exit& exit, const std::byte* host, unsigned mode) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = blocks_.find({host, mode});
  if (at == blocks_.end()) return;
  // The exit is one of a block's that is still there: its thread is between blocks.
  auto& from = const_cast<Exit&>(exit);
  if (from.target != nullptr || from.is_dead) return;
  Block& to = *at->second;
  from.target = &to;
  to.incoming.push_back(&from);
  added_.fetch_add(1, std::memory_order_release);
  patch(from, static_cast<int32_t>(to.entry - from.site_end));
}

void Engine::remove(Block& block) noexcept {
  for (const uintptr_t page : pages_of(block)) {
    const auto at = pages_.find(page);
    std::erase(at->second, &block);
    if (at->second.empty()) pages_.erase(at);
  }
  for (Exit* const exit : block.incoming) {
    patch(*exit, exit->unlinked);
    exit->target = nullptr;
  }
  block.incoming.clear();
  for (const auto& exit : block.exits) {
    exit->is_dead = true;
    if (exit->target != nullptr) std::erase(exit->target->incoming, exit.get());
    exit->target = nullptr;
  }
  std::atomic<const std::byte*>& entry = table(block.mode)[jump_index(block.host)];
  const std::byte* expected = block.entry;
  entry.compare_exchange_strong(expected, unknown());
}

bool Engine::has_blocks(const std::byte* host) const noexcept {
  const std::lock_guard lock(mutex_);
  return pages_.contains(page_of(host));
}

void Engine::retire(Block& block) noexcept {
  remove(block);
  const auto owner = blocks_.find({block.host, block.mode});
  retired_.push_back({std::move(owner->second), visitors_.now() + 1});
  blocks_.erase(owner);
}

void Engine::free_retired() noexcept {
  std::erase_if(retired_, [this](const Retired& old) { return visitors_.all_reached(old.until); });
}

void Engine::revalidate_page(const std::byte* host) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = pages_.find(page_of(host));
  if (at == pages_.end()) return;
  const std::vector<Block*> blocks = at->second;
  for (Block* const block : blocks) {
    if (block->is_unchanged()) continue;
    retire(*block);
    ++stats_.invalidated;
  }
  visitors_.advance();
  free_retired();
}

// The oldest blocks go, all that lie in one segment. Those that are still needed are translated again.
bool Engine::make_room() noexcept {
  if (room_at_ == 0) {
    const std::span<const std::byte> segment = arena_->next();
    std::vector<Block*> old;
    for (const auto& [key, block] : blocks_) {
      if (block->entry >= segment.data() && block->entry < segment.data() + segment.size()) old.push_back(block.get());
    }
    for (Block* const block : old) retire(*block);
    stats_.evicted += old.size();
    evicts_.store(true, std::memory_order_relaxed);
    room_at_ = visitors_.advance();
  }
  if (!visitors_.all_reached(room_at_)) {
    visitors_.ask_to_leave(room_at_);
    return false;
  }
  room_at_ = 0;
  free_retired();
  arena_->begin_next();
  // Other processors may have fetched ahead what is about to be overwritten (Intel SDM volume 3, §8.1.3).
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
  return true;
}

const Block* Engine::block(const std::byte* host, unsigned mode) const noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = blocks_.find({host, mode});
  return at == blocks_.end() ? nullptr : at->second.get();
}

Stats Engine::stats() const noexcept {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace emu::jit
