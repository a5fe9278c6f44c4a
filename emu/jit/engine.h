#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "emu/ir/ir.h"
#include "emu/jit/arena.h"
#include "emu/jit/backend.h"
#include "emu/jit/block.h"
#include "emu/jit/layout.h"
#include "emu/jit/observer.h"
#include "emu/jit/scratch.h"
#include "emu/jit/visitors.h"
#include "hv/base/result.h"

namespace emu::jit {

/// What the engine has done so far.
struct Stats {
  uint64_t blocks = 0;
  uint64_t guest_bytes = 0;
  uint64_t host_bytes = 0;
  uint64_t invalidated = 0;
  uint64_t evicted = 0;
};

/// The translated blocks of a machine, which all its vCPUs share: they are found by the host address of the guest's
/// code and by mode, so processes share them too. Any thread may call; what a function changes it does under a lock,
/// and generated code sees whole words.
class Engine {
 public:
  static constexpr unsigned kModes = 18;

  /// Why there can be no engine here: a processor that generated code cannot run on, or executable memory that the host
  /// refuses. Empty if there can. Tried once.
  static const std::string& obstacle();

  /// `size`: bytes of host code. Errors: no memory for it, such a processor.
  static hv::Result<std::unique_ptr<Engine>> create(const Layout& layout, size_t size);

  const backend::Thunks& thunks() const noexcept { return thunks_; }
  const std::atomic<const std::byte*>* jump_table(unsigned mode) noexcept { return table(mode).data(); }

  /// The entry point of the code for what lies at `host`, or nullptr.
  const std::byte* find(const std::byte* host, unsigned mode) noexcept;

  /// Emits and adds a block, in the place of the oldest ones if the memory is full. False: no room yet, as somebody may
  /// be in the oldest ones still; they were asked to leave. The caller is no visitor at the time.
  bool add(const ir::Block& ir, std::unique_ptr<Block> block);

  /// Called with an exit that generated code has handed out: that code may have come from a vCPU that added it or
  /// linked to it only now, and what it read from patched jumps and from the tables orders nothing in the language's
  /// terms.
  void see_added() const noexcept { (void)added_.load(std::memory_order_acquire); }

  /// Makes the jump of `exit` go to the block at `host`, if there is one.
  void link(const Exit& exit, const std::byte* host, unsigned mode) noexcept;

  /// Whether there are blocks of a page.
  bool has_blocks(const std::byte* host_page) const noexcept;
  /// Forgets the blocks of a page whose code has changed. A vCPU that is in one goes on to its end.
  void revalidate_page(const std::byte* host_page) noexcept;

  /// Every vCPU is a visitor while it runs generated code or holds on to an Exit. Blocks that it finds stay where they
  /// are until it enters again; when `Visitor::enter` returns true, the vCPU's own caches of blocks are to be emptied.
  Visitors& visitors() noexcept { return visitors_; }

  /// Whether blocks had to make room for others so far.
  bool evicts() const noexcept { return evicts_.load(std::memory_order_relaxed); }

  /// Before the first block is added.
  void set_observer(Observer* observer) noexcept { observer_ = observer; }
  /// The block that `find` finds, for a visitor.
  const Block* block(const std::byte* host, unsigned mode) const noexcept;

  Stats stats() const noexcept;
  const Arena& arena() const noexcept { return *arena_; }

 private:
  /// Thunks::no_block stands where no block of the mode has its place.
  using Table = std::array<std::atomic<const std::byte*>, kJumpTableEntries>;
  struct Key {
    const std::byte* host;
    unsigned mode;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept {
      return std::hash<uintptr_t>{}(reinterpret_cast<uintptr_t>(key.host) * 32 + key.mode);
    }
  };

  explicit Engine(const Layout& layout) : layout_(layout) {}

  /// Most modes are never used, and a table is a mebibyte.
  Table& table(unsigned mode) noexcept {
    Table* const made = tables_[mode].load(std::memory_order_acquire);
    return made != nullptr ? *made : make_table(mode);
  }
  Table& make_table(unsigned mode) noexcept;
  /// Makes the block impossible to find. It is freed when nobody can be in it.
  void retire(Block& block) noexcept;
  void remove(Block& block) noexcept;
  /// Removes what the next segment has. False: it cannot be used yet.
  bool make_room() noexcept;
  void free_retired() noexcept;
  void patch(Exit& exit, int32_t displacement) noexcept;

  const Layout layout_;
  std::unique_ptr<Arena> arena_;
  backend::Thunks thunks_;
  backend::CodeBuffer buffer_;
  std::unique_ptr<backend::Emitter> emitter_;
  std::mutex making_tables_;  ///< guards what owns them
  std::array<std::unique_ptr<Table>, kModes> owned_tables_;
  std::array<std::atomic<Table*>, kModes> tables_{};

  Observer* observer_ = nullptr;
  Visitors visitors_;
  std::atomic<bool> evicts_{false};
  std::atomic<uint64_t> added_{0};  ///< blocks and links
  mutable std::mutex mutex_;        ///< guards what follows
  std::unordered_map<Key, std::unique_ptr<Block>, KeyHash> blocks_;
  std::unordered_map<uintptr_t, std::vector<Block*>> pages_;
  struct Retired {
    std::unique_ptr<Block> block;
    uint64_t until;  ///< the time from which on nobody can be in it
  };
  std::vector<Retired> retired_;
  uint64_t room_at_ = 0;  ///< the time from which on the next segment can be used; 0: its blocks are still there
  Stats stats_;
};

}  // namespace emu::jit
