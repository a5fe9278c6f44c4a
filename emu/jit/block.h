#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "emu/isa/insn.h"

namespace emu::jit {

struct Block;

/// A way out of a block, which generated code hands to the dispatcher when it takes it.
struct Exit {
  enum class Kind : uint8_t {
    link,     ///< to `offset` from the begin of the block's page; `site` can be patched to go there by itself
    pending,  ///< something is pending before the instruction at `offset`
    alone,    ///< the instruction at `offset` is to be interpreted: it ends in another page than it did
    system,   ///< `insn` is carried out by `helper`
  };
  static constexpr size_t kKinds = 4;
  Kind kind = Kind::link;
  int32_t offset = 0;
  uint64_t helper = 0;
  const Insn* insn = nullptr;
  std::byte* site = nullptr;            ///< the four bytes of the jump's displacement, in the writable mapping
  const std::byte* site_end = nullptr;  ///< what the displacement counts from, in the executable mapping
  int32_t unlinked = 0;                 ///< the displacement of a jump that is not linked
  Block* target = nullptr;              ///< where it is linked to
  const std::byte* page = nullptr;      ///< host page of the block
  bool is_dead = false;                 ///< its block was removed
};

/// Host code for one guest block.
struct Block {
  const std::byte* host = nullptr;  ///< where the guest's code lies
  const std::byte* entry = nullptr;
  uint64_t pc = 0;  ///< where the guest saw it when it was translated; elsewhere too, maybe
  /// Where the last instruction's second half lies, the begin of a page; nullptr if it does not go over the page's end.
  const std::byte* second_half = nullptr;
  uint32_t guest_bytes = 0;
  uint32_t host_bytes = 0;  ///< from the entry on
  uint8_t mode = 0;
  std::vector<Insn> insns;
  std::vector<std::unique_ptr<Exit>> exits;
  std::vector<Exit*> incoming;  ///< the exits of blocks that are linked to this one

  /// Whether memory still has the code that the block was made of.
  bool is_unchanged() const noexcept;
};

}  // namespace emu::jit
